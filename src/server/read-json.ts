import { isUtf8 } from 'node:buffer';
import { WaybillError } from '../protocol/index.ts';
import type { PlainRequest } from './plain.ts';

const jsonType = /^application\/json\s*(;|$)/i;

/**
 * @param count is told how many bytes came
 * @throws {WaybillError} `invalid_request` or `request_too_large`
 */
export async function readJson(request: PlainRequest, maxBytes: number, count: { bytesIn: number }): Promise<unknown> {
  const contentType = request.header('content-type');
  // Anything else a form could send across origins without a preflight (ATTACKS G2).
  if (contentType !== 'application/json' && !jsonType.test(contentType ?? ''))
    throw new WaybillError('invalid_request', 'Send JSON with `Content-Type: application/json`.');
  const declared = Number(request.header('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.json !== undefined) {
    count.bytesIn = declared;
    return request.json;
  }
  const body = await request.body(maxBytes).catch((cause: unknown) => {
    // Whoever sent it went away, or was cut off: no failure of the server's.
    throw new WaybillError('invalid_request', 'The request ended before its body did.', { cause });
  });
  if (body === null) throw tooLarge(maxBytes);
  count.bytesIn = body.byteLength;
  // RFC 8259 section 8.1. A lenient decoder would make one text of many.
  if (!isUtf8(body)) throw new WaybillError('invalid_request', 'The body is not UTF-8.');
  try {
    return JSON.parse(textOf(body));
  } catch {
    throw new WaybillError('invalid_request', 'The body is not JSON.');
  }
}

function textOf(body: Uint8Array): string {
  return (Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString();
}

function tooLarge(maxBytes: number): WaybillError {
  return new WaybillError('request_too_large', `A request body has at most ${maxBytes} bytes.`, {
    details: { maxBytes },
  });
}
