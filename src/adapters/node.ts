/** The adapter for node:http, node:https, node:http2 and frameworks that build on them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyReadBefore, type PlainRequest, type PlainResponse } from '../server/index.ts';
import { getParsedBody, getReadBytes, readBody, wasRead } from './node-body.ts';

/** The part of the result of `createUploads` that an adapter needs. */
export interface Handler {
  handle(request: PlainRequest): Promise<PlainResponse>;
}

/**
 * When other code has read the body, it is taken from `request.rawBody` or `request.body` (`express.json()`, Next's
 * `pages/api`, functions of Vercel and Firebase). Where neither is set, the answer is an error that says so.
 *
 * @example
 * createServer(toNodeHandler(uploads)).listen(3000)
 * @example
 * http2.createSecureServer({ key, cert, allowHTTP1: true }, toNodeHandler(uploads)).listen(3000)
 */
export function toNodeHandler(uploads: Handler): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    uploads
      .handle(new NodePlainRequest(request, request.url ?? '/'))
      .then((answer) => send(request, response, answer))
      // `handle` does not reject. If it did, a closed connection would reveal nothing.
      .catch(() => response.destroy());
  };
}

/** A class rather than closures, to allocate one object per request. */
export class NodePlainRequest implements PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly raw: IncomingMessage;

  constructor(request: IncomingMessage, target: string) {
    const question = target.indexOf('?');
    this.method = request.method ?? 'GET';
    this.path = question === -1 ? target : target.slice(0, question);
    this.query = question === -1 ? '' : target.slice(question + 1);
    this.raw = request;
  }

  header(name: string): string | undefined {
    const { headers } = this.raw;
    const value = headers[name];
    // HTTP/2 sends `:authority` instead of Host: RFC 9113 section 8.3.1.
    if (value === undefined && name === 'host') return headers[':authority'] as string | undefined;
    return Array.isArray(value) ? value.join(', ') : value;
  }

  *headers(): Iterable<readonly [string, string]> {
    const { rawHeaders, headers } = this.raw;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string;
      // Pseudo-headers such as `:method` are left out. HTTP/2 may split the cookie header: RFC 9113 section 8.2.3.
      if (!name.startsWith(':') && name.toLowerCase() !== 'cookie') yield [name, rawHeaders[index + 1] as string];
    }
    if (headers.cookie !== undefined) yield ['cookie', headers.cookie];
    if (headers.host === undefined && headers[':authority'] !== undefined)
      yield ['host', headers[':authority'] as string];
  }

  /** The body as parsed by other code. A getter, because reading it parses the body in Next. */
  get json(): unknown {
    return getReadBytes(this.raw) ? undefined : getParsedBody(this.raw);
  }

  async body(maxBytes: number): Promise<Uint8Array | null> {
    const bytes = getReadBytes(this.raw);
    if (bytes) return bytes.length > maxBytes ? null : bytes;
    if (wasRead(this.raw)) throw bodyReadBefore();
    return readBody(this.raw, maxBytes);
  }
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: PlainResponse,
): void {
  const isUnread = !request.complete && request.method !== 'GET' && request.method !== 'HEAD';
  const isHttp2 = request.httpVersionMajor >= 2;
  // The rest of an unread body would be parsed as the next request. HTTP/2 forbids this header: RFC 9113 section 8.2.2.
  if (isUnread && !isHttp2) headers.connection = 'close';
  if (status !== 204) headers['content-length'] = String(Buffer.byteLength(body));
  // HTTP/2 closes only the stream, without an error: RFC 9113 section 8.1.
  if (isUnread && isHttp2) response.once('finish', () => (request as { stream?: Http2Stream }).stream?.close(0));
  response.writeHead(status, headers);
  response.end(body);
}

interface Http2Stream {
  close(code: number): void;
}
