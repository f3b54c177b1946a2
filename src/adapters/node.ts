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
    uploads.handle(toPlainRequest(request, request.url ?? '/')).then(
      (answer) => send(request, response, answer),
      // The core never rejects; should it, a broken connection tells no secret.
      () => response.destroy(),
    );
  };
}

export function toPlainRequest(request: IncomingMessage, target: string): PlainRequest {
  const question = target.indexOf('?');
  const { headers } = request;
  return {
    method: request.method ?? 'GET',
    path: question === -1 ? target : target.slice(0, question),
    query: question === -1 ? '' : target.slice(question + 1),
    header(name) {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    *headers() {
      for (let index = 0; index < request.rawHeaders.length; index += 2)
        yield [request.rawHeaders[index] as string, request.rawHeaders[index + 1] as string] as const;
    },
    body: (maxBytes) => readBody(request, maxBytes),
    raw: request,
  };
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
