/** node:http, node:https, node:http2 and everything that builds on them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyReadBefore, type PlainRequest, type PlainResponse } from '../server/index.ts';
import { bytesGiven, objectGiven, readBody, wasRead } from './node-body.ts';

/** What an adapter needs of `createUploads`'s result. */
export interface Handler {
  handle(request: PlainRequest): Promise<PlainResponse>;
}

/**
 * A body that other code has read is taken from `request.rawBody` or `request.body` (`express.json()`, Next's `pages/api`,
 * functions of Vercel and Firebase). Where neither is set, the answer says so at once.
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
      // The core never rejects; should it, or the connection be gone, a broken connection tells no secret.
      .catch(() => response.destroy());
  };
}

/** A class, so that a request costs one object and no closures. */
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
    // HTTP/2 has `:authority` in the place of Host: RFC 9113 section 8.3.1.
    if (value === undefined && name === 'host') return headers[':authority'] as string | undefined;
    return Array.isArray(value) ? value.join(', ') : value;
  }

  *headers(): Iterable<readonly [string, string]> {
    const { rawHeaders, headers } = this.raw;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string;
      // `:method` and its like are no header fields. HTTP/2 may split a cookie: RFC 9113 section 8.2.3.
      if (!name.startsWith(':') && name.toLowerCase() !== 'cookie') yield [name, rawHeaders[index + 1] as string];
    }
    if (headers.cookie !== undefined) yield ['cookie', headers.cookie];
    if (headers.host === undefined && headers[':authority'] !== undefined)
      yield ['host', headers[':authority'] as string];
  }

  /** What a parser before us made of the body. Read only when asked for: in Next it is a getter that parses. */
  get json(): unknown {
    return bytesGiven(this.raw) ? undefined : objectGiven(this.raw);
  }

  async body(maxBytes: number): Promise<Uint8Array | null> {
    const bytes = bytesGiven(this.raw);
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
  const unread = !request.complete && request.method !== 'GET' && request.method !== 'HEAD';
  const isHttp2 = request.httpVersionMajor >= 2;
  // A body that nobody read would be taken for the next request. HTTP/2 has no such header: RFC 9113 section 8.2.2.
  if (unread && !isHttp2) headers.connection = 'close';
  if (status !== 204) headers['content-length'] = String(Buffer.byteLength(body));
  // There one stream of the connection ends, without an error: RFC 9113 section 8.1.
  if (unread && isHttp2) response.once('finish', () => (request as { stream?: Http2Stream }).stream?.close(0));
  response.writeHead(status, headers);
  response.end(body);
}

interface Http2Stream {
  close(code: number): void;
}
