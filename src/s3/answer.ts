/** What the storage said: its text within bounds, and its refusals as errors. */
import { WaybillError } from '../protocol/index.ts';
import type { Exchanged } from './exchange.ts';
import { retryAfterSeconds } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { childElement, childText, parseXml, rootOf } from './xml.ts';

/** No XML that S3 sends is longer: a thousand keys of 1,024 bytes, each byte percent-encoded, and their frame. */
const maxTextBytes = 16 * 1024 * 1024;

export async function readText(answer: Exchanged): Promise<string> {
  const bytes = await answer.bytes(maxTextBytes);
  if (!bytes) throw new WaybillError('storage_unavailable', 'The storage answered too much.');
  return bytes.toString();
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** HEAD has no body, and what stands between us and the storage does not speak XML: the nearest codes. */
const codeOfStatus: ReadonlyMap<number, string> = new Map([
  [301, 'PermanentRedirect'],
  [304, 'NotModified'],
  [307, 'TemporaryRedirect'],
  [400, 'BadRequest'],
  [403, 'AccessDenied'],
  [404, 'NotFound'],
  [405, 'MethodNotAllowed'],
  [409, 'Conflict'],
  [412, 'PreconditionFailed'],
  [416, 'InvalidRange'],
  [429, 'TooManyRequests'],
  [501, 'NotImplemented'],
  [503, 'SlowDown'],
]);

/** `now` in milliseconds since the epoch, for a `Retry-After` that is a date. */
export async function refusalOf(
  { status, headers }: Pick<Exchanged, 'status' | 'headers'>,
  text: string,
  { attempts, now }: { attempts: number; now: number },
): Promise<S3Error> {
  const isError = rootOf(text) === 'Error';
  const error = isError ? childElement(await parseXml(text), 'Error') : {};
  // Without an <Error>, a success is one that broke off: as good as none.
  const fallback = isSuccess(status) ? 'InternalError' : (codeOfStatus.get(status) ?? `Http${status}`);
  return new S3Error({
    code: childText(error, 'Code') || fallback,
    status,
    message: childText(error, 'Message') ?? '',
    requestId: childText(error, 'RequestId') ?? headers['x-amz-request-id'],
    retryAfterSeconds: retryAfterSeconds(headers['retry-after'], now),
    attempts,
  });
}
