/** Reads the text of a response within a limit, and turns an error response into an S3Error. */
import { WaybillError } from '../protocol/index.ts';
import type { ExchangeResponse } from './exchange.ts';
import { parseRetryAfter } from './retry.ts';
import { S3Error } from './s3-error.ts';
import { childElement, childText, parseXml, rootName } from './xml.ts';

/** More than the longest XML that S3 sends: a listing of 1,000 keys of 1,024 bytes, each byte percent-encoded. */
const maxTextBytes = 16 * 1024 * 1024;

export async function readResponseText(response: ExchangeResponse): Promise<string> {
  const bytes = await response.bytes(maxTextBytes);
  if (!bytes) throw new WaybillError('storage_unavailable', 'The response of the storage is too long.');
  return bytes.toString();
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Codes for responses without an `<Error>` document: those to HEAD, and those that a proxy made. */
const codesByStatus: ReadonlyMap<number, string> = new Map([
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

/** @param options.now milliseconds since the epoch, for a `Retry-After` that is a date */
export async function createS3Error(
  { status, headers }: Pick<ExchangeResponse, 'status' | 'headers'>,
  text: string,
  { attempts, now }: { attempts: number; now: number },
): Promise<S3Error> {
  const isError = rootName(text) === 'Error';
  const error = isError ? childElement(await parseXml(text), 'Error') : {};
  // A success status without the expected document is a response that was cut off.
  const fallback = isSuccess(status) ? 'InternalError' : (codesByStatus.get(status) ?? `Http${status}`);
  return new S3Error({
    code: childText(error, 'Code') || fallback,
    status,
    message: childText(error, 'Message') ?? '',
    requestId: childText(error, 'RequestId') ?? headers['x-amz-request-id'],
    retryAfterSeconds: parseRetryAfter(headers['retry-after'], now),
    attempts,
  });
}
