/** node:http and everything that speaks it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PlainRequest, PlainResponse } from '../server/index.ts';

/** What an adapter needs of `createUploads`'s result. */
export interface Handler {
  handle(request: PlainRequest): Promise<PlainResponse>;
}

/**
 * @example
 * createServer(toNodeHandler(uploads)).listen(3000)
 */
export function toNodeHandler(uploads: Handler): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    uploads.handle(new NodePlainRequest(request, request.url ?? '/')).then(
      (answer) => send(request, response, answer),
      // The core never rejects; should it, a broken connection tells no secret.
      () => response.destroy(),
    );
  };
}

/** A class, so that a request costs one object and no closures. */
export class NodePlainRequest implements PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly raw: IncomingMessage;
  json?: unknown;

  constructor(request: IncomingMessage, target: string) {
    const question = target.indexOf('?');
    this.method = request.method ?? 'GET';
    this.path = question === -1 ? target : target.slice(0, question);
    this.query = question === -1 ? '' : target.slice(question + 1);
    this.raw = request;
  }

  header(name: string): string | undefined {
    const value = this.raw.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  *headers(): Iterable<readonly [string, string]> {
    const { rawHeaders } = this.raw;
    for (let index = 0; index < rawHeaders.length; index += 2)
      yield [rawHeaders[index] as string, rawHeaders[index + 1] as string];
  }

  body(maxBytes: number): Promise<Uint8Array | null> {
    return readBody(this.raw, maxBytes);
  }
}

export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: PlainResponse,
): void {
  // A body that nobody read would be taken for the next request.
  if (!request.complete && request.method !== 'GET' && request.method !== 'HEAD') headers.connection = 'close';
  if (status !== 204) headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers);
  response.end(body);
}

/** Null as soon as it is longer than allowed: what has come so far is dropped. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
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
  });
}
