/** The adapter for node:http, node:https, node:http2 and frameworks that build on them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { PlainRequest, PlainResponse } from '../server/index.ts';
import { bodyReadBefore } from '../server/internal.ts';
import type { Handler } from './handler.ts';
import { getParsedBody, getReadBytes, type ParsedRequest, readBody, wasRead } from './node-body.ts';

/** Listens to node:http, node:https, and node:http2 in its compatibility mode. */
export type NodeHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/**
 * A request listener for `createServer()`. When other code has read the body, it is taken from `request.rawBody` or
 * `request.body` (`express.json()`, Next's `pages/api`, functions of Vercel and Firebase). Where neither is set, the
 * answer is an error that says so.
 *
 * @example
 * createServer(toNodeHandler(uploads)).listen(3000)
 * @example
 * http2.createSecureServer({ key, cert, allowHTTP1: true }, toNodeHandler(uploads)).listen(3000)
 */
export function toNodeHandler(uploads: Handler): NodeHandler {
  return (...messages) => {
    // In compatibility mode, HTTP/2 has what is used here: https://nodejs.org/api/http2.html#compatibility-api
    const [request, response] = messages as [IncomingMessage, ServerResponse];
    uploads
      .handle(new NodePlainRequest(request, request.url ?? '/'))
      .then((answer) => send(request, response, answer))
      // `handle` does not reject. If it did, a closed connection would reveal nothing.
      .catch(() => response.destroy());
  };
}

/** A request of node:http for the handler. It is a class, not closures, so that each request allocates one object. */
export class NodePlainRequest implements PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly raw: unknown;
  readonly #message: IncomingMessage;
  readonly #parsed: ParsedRequest;

  /**
   * @param target the path and the query as the browser sent them, in front of which a mount point may have been
   * removed
   * @param raw what callbacks get: the framework's own request or context
   * @param parsed the object on which body parsers of the framework leave `body` or `rawBody`
   */
  constructor(
    message: IncomingMessage,
    target: string,
    raw: unknown = message,
    parsed: ParsedRequest = message as ParsedRequest,
  ) {
    const question = target.indexOf('?');
    this.method = message.method ?? 'GET';
    this.path = question === -1 ? target : target.slice(0, question);
    this.query = question === -1 ? '' : target.slice(question + 1);
    this.raw = raw;
    this.#message = message;
    this.#parsed = parsed;
  }

  header(name: string): string | undefined {
    const { headers } = this.#message;
    const value = headers[name];
    // HTTP/2 sends `:authority` instead of Host: RFC 9113 section 8.3.1.
    if (value === undefined && name === 'host') return headers[':authority'] as string | undefined;
    return Array.isArray(value) ? value.join(', ') : value;
  }

  *headers(): Iterable<readonly [string, string]> {
    const { rawHeaders, headers } = this.#message;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index] as string;
      // Pseudo-headers such as `:method` are left out. HTTP/2 may split the cookie header: RFC 9113 section 8.2.3.
      if (!name.startsWith(':') && name.toLowerCase() !== 'cookie') yield [name, rawHeaders[index + 1] as string];
    }
    if (headers.cookie !== undefined) yield ['cookie', headers.cookie];
    if (headers.host === undefined && headers[':authority'] !== undefined)
      yield ['host', headers[':authority'] as string];
  }

  /** The body as parsed by other code. It is a getter, because in Next reading it parses the body. */
  get json(): unknown {
    return getReadBytes(this.#parsed) ? undefined : getParsedBody(this.#parsed, wasRead(this.#message));
  }

  async body(maxBytes: number): Promise<Uint8Array | null> {
    const bytes = getReadBytes(this.#parsed);
    if (bytes) return bytes.length > maxBytes ? null : bytes;
    if (wasRead(this.#message)) throw bodyReadBefore();
    return readBody(this.#message, maxBytes);
  }
}

/** Sends the answer of the handler. After an unread body it closes the connection, or with HTTP/2 only the stream. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: PlainResponse,
): void {
  const isUnread = hasUnreadBody(request);
  const isHttp2 = request.httpVersionMajor >= 2;
  // The rest of an unread body would be parsed as the next request. HTTP/2 forbids this header: RFC 9113 section 8.2.2.
  if (isUnread && !isHttp2) headers.connection = 'close';
  if (status !== 204) headers['content-length'] = String(Buffer.byteLength(body));
  // HTTP/2 closes only the stream, without an error: RFC 9113 section 8.1.
  if (isUnread && isHttp2) response.once('finish', () => (request as { stream?: Http2Stream }).stream?.close(0));
  response.writeHead(status, headers);
  response.end(body);
}

/** Whether bytes of the body have not been read before the answer. */
function hasUnreadBody(request: IncomingMessage): boolean {
  return !request.complete && request.method !== 'GET' && request.method !== 'HEAD';
}

/**
 * Whether the answer must close an HTTP/1 connection, because the unread rest of the body would be parsed as the next
 * request.
 */
export function closesConnection(request: IncomingMessage): boolean {
  return hasUnreadBody(request) && request.httpVersionMajor < 2;
}

interface Http2Stream {
  close(code: number): void;
}
