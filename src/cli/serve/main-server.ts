/** The server for clients: the uploads handler, /healthz and /readyz. Slow and oversized requests are cut off (F3). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { toNodeHandler } from '../../adapters/node.ts';
import type { Uploads } from '../../server/index.ts';
import type { Readiness } from './readiness.ts';

export interface Timeouts {
  /** The longest time for the headers of a request. */
  headersTimeoutMs: number;
  /** The longest time for a whole request, whose body is small. */
  requestTimeoutMs: number;
  /**
   * Longer than the idle timeout of usual proxies, so that a proxy never writes to a connection that is being closed.
   */
  idleTimeoutMs: number;
  /** How often the timeouts are checked. */
  checkEveryMs: number;
}

const defaultTimeouts: Timeouts = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 65_000,
  checkEveryMs: 2000,
};
const maxHeaderBytes = 16 * 1024;

export function createMainServer(
  uploads: Pick<Uploads, 'handle' | 'owns'>,
  readiness: Readiness,
  { headersTimeoutMs, requestTimeoutMs, idleTimeoutMs, checkEveryMs } = defaultTimeouts,
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
      else void answerOther(path, readiness, request, response);
    },
  );
}

async function answerOther(
  path: string,
  readiness: Readiness,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // The body is not read. On an open connection, it would be parsed as the next request.
  if (request.method !== 'GET' && request.method !== 'HEAD') response.setHeader('connection', 'close');
  if (path === '/healthz') return answer(response, 200, { ok: true });
  if (path === '/readyz') {
    const missing = await readiness.missing();
    return answer(response, missing.length === 0 ? 200 : 503, { ready: missing.length === 0, missing });
  }
  const error = { code: 'route_not_found', message: 'There is no such path.', retryable: false };
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
