import { isUtf8 } from 'node:buffer';
import { isWaybillError, WaybillError } from '../../protocol/index.ts';
import type { PlainRequest } from './plain-request.ts';

const jsonType = /^application\/json\s*(;|$)/i;

/**
 * @param count its `bytesIn` is set to the size of the body
 * @throws {WaybillError} `invalid_request` or `request_too_large`
 */
export async function readJson(request: PlainRequest, maxBytes: number, count: { bytesIn: number }): Promise<unknown> {
  const contentType = request.header('content-type');
  // A page of another origin can send other content types without a preflight (attack G2).
  if (contentType !== 'application/json' && !jsonType.test(contentType ?? ''))
    throw unreadable('Send JSON with `Content-Type: application/json`.');
  return readJsonOfAnyType(request, maxBytes, count);
}

/** Storages send events with any content type, or none. */
export async function readJsonOfAnyType(
  request: PlainRequest,
  maxBytes: number,
  count: { bytesIn: number },
): Promise<unknown> {
  if (Number(request.header('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const { json } = request;
  if (json !== undefined) {
    // Content-Length may be missing, or be the size of the compressed body.
    count.bytesIn = serialisedBytes(json);
    if (count.bytesIn > maxBytes) throw tooLarge(maxBytes);
    return json;
  }
  const body = await request.body(maxBytes).catch((cause: unknown) => {
    if (isWaybillError(cause)) throw cause;
    // The client disconnected, which is not a failure of the server.
    throw unreadable('The request ended before its body did.', cause);
  });
  if (body === null) throw tooLarge(maxBytes);
  count.bytesIn = body.byteLength;
  // RFC 8259 section 8.1. A lenient decoder would read different bodies as the same text.
  if (!isUtf8(body)) throw unreadable('The body is not UTF-8.');
  try {
    return JSON.parse(textOf(body));
  } catch {
    throw unreadable('The body is not JSON.');
  }
}

/**
 * For adapters: other code has already read the body. It addresses the developer, who sees it at the first upload.
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
    // The value has a cycle or a BigInt, so it does not come from JSON.
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
