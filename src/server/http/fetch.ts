import type { PlainRequest, PlainResponse } from './plain-request.ts';
import { bodyReadBefore } from './read-json.ts';

/** Wraps the handler of plain requests in the Fetch API. */
export function createFetch(handle: (request: PlainRequest) => Promise<PlainResponse>) {
  return async (request: Request): Promise<Response> => webResponse(await handle(plainRequest(request)));
}

/** @param raw the framework's own request, for callbacks */
export function plainRequest(request: Request, raw: unknown = request): PlainRequest {
  const { url, headers } = request;
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const [target = '/'] = (start === -1 ? '/' : url.slice(start)).split('#', 1);
  const question = target.indexOf('?');
  return {
    method: request.method,
    path: question === -1 ? target : target.slice(0, question),
    query: question === -1 ? '' : target.slice(question + 1),
    // A `Request` may lack the Host header.
    header: (name) => headers.get(name) ?? (name === 'host' ? new URL(url).host : undefined),
    headers: () => headers.entries(),
    body: (maxBytes) => readBody(request, maxBytes),
    raw,
  };
}

export function webResponse({ status, headers, body }: PlainResponse): Response {
  return new Response(body === '' ? null : body, { status, headers });
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (request.bodyUsed) throw bodyReadBefore();
  // A body of known length is read by `arrayBuffer()`: in servers such as @hono/node-server, reading `request.body`
  // first makes a full `Request`, which costs several times as much as a grant.
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) <= maxBytes) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.byteLength > maxBytes ? null : bytes;
  }
  const { body } = request;
  if (!body) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size);
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {});
      return null;
    }
    chunks.push(value);
  }
}
