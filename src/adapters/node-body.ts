/** The body of a request of node:http, which a body parser or a platform may have read already. */
import type { IncomingMessage } from 'node:http';

/** The properties that body parsers and platforms set. */
export interface ParsedRequest {
  body?: unknown;
  rawBody?: unknown;
}

/** Whether other code has read from the stream: what is left of it is then not the whole body. */
export function wasRead(request: IncomingMessage): boolean {
  return request.readableDidRead || request.readableEnded;
}

/** @returns the bytes that `express.raw()`, `express.text()` or Firebase have read */
export function getReadBytes(request: ParsedRequest): Buffer | undefined {
  const { rawBody } = request;
  if (isBytes(rawBody)) return Buffer.from(rawBody as string);
  const body = getBody(request);
  return isBytes(body) ? Buffer.from(body as string) : undefined;
}

function isBytes(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/**
 * @param wasStreamRead whether other code has read the request's stream
 * @returns the value that `express.json()` or a similar parser has made of the body
 */
export function getParsedBody(request: ParsedRequest, wasStreamRead: boolean): unknown {
  const body = getBody(request);
  if (body === undefined || body === null) return undefined;
  // Parsers of Express 4 also set `{}` for bodies that they do not read.
  const isEmpty = typeof body === 'object' && Object.keys(body).length === 0;
  return isEmpty && !wasStreamRead ? undefined : body;
}

/**
 * On Vercel and Next `body` is a getter that parses. It throws for a body that is no JSON, whose bytes are then gone.
 */
function getBody(request: ParsedRequest): unknown {
  try {
    return request.body;
  } catch {
    return '';
  }
}

/**
 * @returns null as soon as the body exceeds `maxBytes`
 * @throws {Error} when the connection closes before the end of the body
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const rejectClosed = () => reject(new Error('The connection closed before the body was complete.'));
    // A destroyed request emits no more events.
    if (request.destroyed) rejectClosed();
    request.on('data', (data: Buffer | string) => {
      // Other code may have called setEncoding().
      const chunk = typeof data === 'string' ? Buffer.from(data, request.readableEncoding ?? 'utf8') : data;
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        request.pause();
        resolve(null);
      }
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)));
    request.on('error', reject);
    request.on('close', rejectClosed);
    // Other code may have paused the stream. Adding a listener does not resume it.
    request.resume();
  });
}
