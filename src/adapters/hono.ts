/** The adapter for Hono 4. */
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler } from './handler.ts';
import { pathOf, respond } from './web-request.ts';

/** The part of Hono's context that is used here, without its types. */
interface HonoContext {
  req: { raw: Request; arrayBuffer(): Promise<ArrayBuffer> };
  /** A getter that throws on runtimes without an execution context. */
  executionCtx?: { waitUntil(work: Promise<unknown>): void };
}

/**
 * Middleware for Hono. Passes other paths to the next handler. In callbacks, `request.raw` is Hono's context:
 * see {@link honoContext}.
 *
 * @example
 * app.use(toHonoHandler(uploads))
 */
export function toHonoHandler(uploads: MountableHandler) {
  return async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const request = context.req.raw;
    if (!uploads.owns(pathOf(request.url))) {
      await next();
      return undefined;
    }
    // Hono keeps a body that earlier middleware has read.
    const readKeptBody = async (maxBytes: number) => {
      const bytes = new Uint8Array(await context.req.arrayBuffer());
      return bytes.byteLength > maxBytes ? null : bytes;
    };
    return respond(uploads, request, {
      raw: context,
      waitUntil: findWaitUntil(context),
      ...(request.bodyUsed ? { body: readKeptBody } : {}),
    });
  };
}

function findWaitUntil(context: HonoContext): ((work: Promise<unknown>) => void) | undefined {
  try {
    const { executionCtx } = context;
    return executionCtx && ((work) => executionCtx.waitUntil(work));
  } catch {
    return undefined;
  }
}

/**
 * Hono's context in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toHonoHandler()`
 * @example
 * authorize: ({ request }) => honoContext<Context<Env>>(request).get('user') ?? null
 */
export function honoContext<Context = HonoContext>(request: CallbackRequest): Context {
  return frameworkRequest(request, 'toHonoHandler', ['req']) as Context;
}
