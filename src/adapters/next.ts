/** The adapter for the App Router of Next.js in the Node.js runtime. */
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type Handler } from './handler.ts';
import { respond } from './web-request.ts';

type RouteHandler = (request: Request) => Promise<Response>;

export interface NextRouteHandlers {
  GET: RouteHandler;
  HEAD: RouteHandler;
  POST: RouteHandler;
  DELETE: RouteHandler;
  OPTIONS: RouteHandler;
}

/**
 * The handlers of a catch-all route. `basePath` of `createUploads()` is the folder of the route, such as `/api`. Next
 * removes its own `basePath` from the path, and its `trailingSlash` is supported. In callbacks, `request.raw` is the
 * `NextRequest`: see {@link nextRequest}.
 *
 * @example
 * // app/api/[...path]/route.ts
 * export const { GET, HEAD, POST, DELETE, OPTIONS } = toNextHandler(uploads)
 */
export function toNextHandler(uploads: Handler): NextRouteHandlers {
  const handle: RouteHandler = (request) => respond(uploads, request, { waitUntil: findWaitUntil() });
  return { GET: handle, HEAD: handle, POST: handle, DELETE: handle, OPTIONS: handle };
}

/**
 * Finds the function that Next and Vercel provide for `after()` and `waitUntil()`: https://github.com/vercel/next.js,
 * `@next/request-context`.
 */
function findWaitUntil(): ((work: Promise<unknown>) => void) | undefined {
  type RequestContext = { get?(): { waitUntil?(work: Promise<unknown>): void } | undefined };
  const holder: Record<symbol, RequestContext | undefined> = globalThis as never;
  for (const name of ['@next/request-context', '@vercel/request-context']) {
    const context = holder[Symbol.for(name)]?.get?.();
    if (context?.waitUntil) return (work) => context.waitUntil?.(work);
  }
  return undefined;
}

/**
 * Next's request in a callback.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toNextHandler()`
 * @example
 * authorize: ({ request }) => readSession(nextRequest<NextRequest>(request).cookies.get('session')?.value)
 */
export function nextRequest<NextRequest = Request>(request: CallbackRequest): NextRequest {
  return frameworkRequest(request, 'toNextHandler', ['url', 'headers', 'nextUrl']) as NextRequest;
}
