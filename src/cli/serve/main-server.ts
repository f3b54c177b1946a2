/** What clients reach: the uploads handler and two words about health. Slow and swollen requests are cut short (ATTACKS F3). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { toNodeHandler } from '../../adapters/node.ts';
import type { Uploads } from '../../server/index.ts';
import type { Readiness } from './readiness.ts';

/** A client that has not sent its headers, or all of its small body, in this long never will. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
const idleTimeoutMs = 65_000;
const maxHeaderBytes = 16 * 1024;

export function createMainServer(uploads: Uploads, readiness: Readiness): Server {
  const handle = toNodeHandler(uploads);
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes, connectionsCheckingInterval: 2000 },
    (request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] as string;
      if (uploads.owns(path)) handle(request, response);
      else void health(path, readiness, request, response);
    },
  );
  server.headersTimeout = headersTimeoutMs;
  server.requestTimeout = requestTimeoutMs;
  // Longer than the proxies in front keep theirs, so that they never write into a closing one.
  server.keepAliveTimeout = idleTimeoutMs;
  return server;
}

export async function health(
  path: string,
  readiness: Readiness,
  _request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (path === '/healthz') return answer(response, 200, { ok: true });
  if (path === '/readyz') {
    const missing = await readiness.missing();
    return answer(response, missing.length === 0 ? 200 : 503, { ready: missing.length === 0, missing });
  }
  const error = { code: 'route_not_found', message: 'There is nothing here.', retryable: false };
  return answer(response, 404, { error });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(body));
}
