/** The adapter for runtimes and frameworks with the Fetch API: Bun, Deno, Cloudflare Workers, Elysia and others. */
import type { MountableHandler } from './handler.ts';
import { pathOf, respond } from './web-request.ts';

/** Answers requests for other paths. It gets the arguments of the handler. */
export type Fallback<Arguments extends readonly unknown[]> = (
  request: Request,
  ...rest: Arguments
) => Response | Promise<Response>;

/** The third argument of a Worker's `fetch`. */
interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}

/**
 * A function from a `Request` to a `Response`. Without `fallback`, other paths answer 404 `route_not_found`. A
 * completion that takes longer than its response continues in `waitUntil()` of a Worker's context. In callbacks,
 * `request.raw` is the `Request`.
 *
 * @example
 * Bun.serve({ fetch: toFetchHandler(uploads, (request) => app.fetch(request)) })
 * @example
 * export default { fetch: toFetchHandler(uploads) } // a Worker
 */
export function toFetchHandler<Arguments extends readonly unknown[]>(
  uploads: MountableHandler,
  fallback?: Fallback<Arguments>,
): (request: Request, ...rest: Arguments) => Promise<Response> {
  return async (request, ...rest) => {
    if (fallback && !uploads.owns(pathOf(request.url))) return fallback(request, ...rest);
    const context = rest.find(isExecutionContext);
    return respond(uploads, request, { waitUntil: context && ((work) => context.waitUntil(work)) });
  };
}

function isExecutionContext(value: unknown): value is ExecutionContext {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'waitUntil') === 'function';
}
