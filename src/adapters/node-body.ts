/** The body of a request of node:http, whether or not something before us has read it. */
import type { IncomingMessage } from 'node:http';

/** What body parsers and platforms put on a request. */
type ParsedRequest = IncomingMessage & { body?: unknown; rawBody?: unknown };

/** Has anything been taken out of the stream? What is left of it is not the whole body. */
export function wasRead(request: IncomingMessage): boolean {
  return request.readableDidRead || request.readableEnded;
}

/** The body as it was sent, as `express.raw()`, `express.text()` and Firebase leave it. */
export function bytesGiven(request: IncomingMessage): Buffer | undefined {
  const { rawBody } = request as ParsedRequest;
  if (isBytes(rawBody)) return Buffer.from(rawBody as string);
  const body = bodyOf(request);
  return isBytes(body) ? Buffer.from(body as string) : undefined;
}

function isBytes(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** The parsed body, as `express.json()` leaves it. */
export function objectGiven(request: IncomingMessage): unknown {
  const body = bodyOf(request);
  if (body === undefined || body === null) return undefined;
  // Parsers of Express 4 set `{}` also for what they do not parse; then the stream is still whole.
  const isEmpty = typeof body === 'object' && Object.keys(body).length === 0;
  return isEmpty && !wasRead(request) ? undefined : body;
}

/** Vercel's and Next's getters parse, and throw for what is no JSON: then the bytes are gone. */
function bodyOf(request: IncomingMessage): unknown {
  try {
    return (request as ParsedRequest).body;
  } catch {
    return '';
  }
}

/**
 * Null as soon as it is longer than allowed: what has come so far is dropped.
 * @throws {Error} when the sender goes away first
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const goneAway = () => reject(new Error('The connection closed before the body was complete.'));
    // What has been destroyed emits nothing any more.
    if (request.destroyed) goneAway();
    request.on('data', (given: Buffer | string) => {
      // Something before us may have called setEncoding().
      const chunk = typeof given === 'string' ? Buffer.from(given, request.readableEncoding ?? 'utf8') : given;
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
    request.on('close', goneAway);
    // A listener alone does not start what something before us has paused.
    request.resume();
  });
}
