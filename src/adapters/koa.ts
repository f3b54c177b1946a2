/** The adapter for Koa 3, with or without a body parser before it. */
import type { IncomingMessage } from 'node:http';
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler, mountPointError } from './handler.ts';
import { closesConnection, NodePlainRequest } from './node.ts';
import type { ParsedRequest } from './node-body.ts';

/** The part of Koa's context that is used here, without its types. */
interface KoaContext {
  req: IncomingMessage;
  request: object;
  /** As the browser sent it; `koa-mount` removes its prefix from `path` only. */
  originalUrl: string;
  path: string;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/**
 * Middleware for Koa. Passes other paths to the next middleware. In callbacks, `request.raw` is Koa's context:
 * see {@link koaContext}.
 *
 * @example
 * app.use(toKoaHandler(uploads))
 */
export function toKoaHandler(uploads: MountableHandler) {
  return async (context: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const plain = new NodePlainRequest(context.req, context.originalUrl, context, context.request as ParsedRequest);
    if (!uploads.owns(plain.path)) {
      const mountPoint = plain.path.endsWith(context.path) ? plain.path.slice(0, -context.path.length) : '';
      const error = mountPointError(uploads, mountPoint, context.path);
      if (error) throw error;
      await next();
      return;
    }
    const { status, headers, body } = await uploads.handle(plain);
    if (closesConnection(context.req)) headers.connection = 'close';
    context.status = status;
    context.set(headers);
    context.body = body === '' ? null : body;
    // Koa turns an empty body into 204 unless the status is set after it.
    context.status = status;
  };
}

/**
 * Koa's context in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toKoaHandler()`
 * @example
 * authorize: ({ request }) => koaContext<Koa.Context>(request).state.user ?? null
 */
export function koaContext<Context = KoaContext>(request: CallbackRequest): Context {
  return frameworkRequest(request, 'toKoaHandler', ['req', 'res', 'originalUrl']) as Context;
}
