/** What clients reach: the uploads handler and two words about health. Slow and swollen requests are cut short (ATTACKS F3). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { toNodeHandler } from '../../adapters/node.ts';
import type { Uploads } from '../../server/index.ts';
import type { Readiness } from './readiness.ts';

export interface Patience {
  /** A client that has not sent its headers in this long never will. */
  headersTimeoutMs: number;
  /** Nor one that has not sent all of its small body. */
  requestTimeoutMs: number;
  /** Longer than the proxies in front keep theirs, so that they never write into a closing connection. */
  idleTimeoutMs: number;
  /** How often the three are looked at. */
  checkEveryMs: number;
}

const usualPatience: Patience = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 65_000,
  checkEveryMs: 2000,
};
const maxHeaderBytes = 16 * 1024;

export function createMainServer(
  uploads: Pick<Uploads, 'handle' | 'owns'>,
  readiness: Readiness,
  { headersTimeoutMs, requestTimeoutMs, idleTimeoutMs, checkEveryMs } = usualPatience,
): Server {
  const handle = toNodeHandler(uploads);
  return createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: checkEveryMs,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
    },
    (request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] as string;
      if (uploads.owns(path)) handle(request, response);
      else void health(path, readiness, request, response);
    },
  );
}

async function health(
  path: string,
  readiness: Readiness,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A body that nobody reads would be taken for the next request.
  if (request.method !== 'GET' && request.method !== 'HEAD') response.setHeader('connection', 'close');
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
