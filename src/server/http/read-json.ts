import { isUtf8 } from 'node:buffer';
import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import type { PlainRequest } from './plain-request.ts';

const jsonType = /^application\/json\s*(;|$)/i;

/**
 * @param count is told how many bytes came
 * @throws {WaybillError} `invalid_request` or `request_too_large`
 */
export async function readJson(request: PlainRequest, maxBytes: number, count: { bytesIn: number }): Promise<unknown> {
  const contentType = request.header('content-type');
  // Anything else a form could send across origins without a preflight (attack G2).
  if (contentType !== 'application/json' && !jsonType.test(contentType ?? ''))
    throw unreadable('Send JSON with `Content-Type: application/json`.');
  return readJsonOfAnyType(request, maxBytes, count);
}

/** Storage events come with any content type, or none. */
export async function readJsonOfAnyType(
  request: PlainRequest,
  maxBytes: number,
  count: { bytesIn: number },
): Promise<unknown> {
  if (Number(request.header('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const { json } = request;
  if (json !== undefined) {
    // What was declared says little: the body may have come in chunks, or compressed.
    count.bytesIn = serialisedBytes(json);
    if (count.bytesIn > maxBytes) throw tooLarge(maxBytes);
    return json;
  }
  const body = await request.body(maxBytes).catch((cause: unknown) => {
    if (isWaybillError(cause)) throw cause;
    // The sender went away, or was cut off: no failure of the server's.
    throw unreadable('The request ended before its body did.', cause);
  });
  if (body === null) throw tooLarge(maxBytes);
  count.bytesIn = body.byteLength;
  // RFC 8259 section 8.1. A lenient decoder would make one text of many.
  if (!isUtf8(body)) throw unreadable('The body is not UTF-8.');
  try {
    return JSON.parse(textOf(body));
  } catch {
    throw unreadable('The body is not JSON.');
  }
}

/**
 * For adapters: the error for a body that is gone, because other code has read it. For the developer, who meets it with the
 * first upload.
 *
 * @example if (request.bodyUsed) throw bodyReadBefore()
 */
export function bodyReadBefore(): WaybillError {
  return new WaybillError(
    'internal_error',
    'Middleware (express.json(), multer, a proxy, a logger) has read the request body, and it is not in `request.body`. ' +
      'Mount Waybill before that middleware, or let it set `request.body`.',
    { details: { hint: 'Other code has consumed the stream of the request.' } },
  );
}

function serialisedBytes(json: unknown): number {
  let text: string | undefined;
  try {
    text = JSON.stringify(json);
  } catch {
    // A cycle or a BigInt never came out of JSON.
  }
  if (text === undefined) throw unreadable('The body is not JSON.');
  return Buffer.byteLength(text);
}

function textOf(body: Uint8Array): string {
  return (Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString();
}

function unreadable(message: string, cause?: unknown): WaybillError {
  return new WaybillError('invalid_request', message, { cause });
}

function tooLarge(maxBytes: number): WaybillError {
  return new WaybillError('request_too_large', 'The request is too large. Send fewer files at a time.', {
    details: { maxBytes, hint: `\`maxBodyBytes\` allows ${maxBytes} bytes in a request body.` },
  });
}
