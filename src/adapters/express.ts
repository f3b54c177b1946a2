/** The adapter for Express 4 and 5. It may be mounted at any path, with or without `express.json()` before it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler, mountPointError } from './handler.ts';
import { NodePlainRequest, send } from './node.ts';

/** The part of Express's request that is used here, without its types. Connect and others set less. */
interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  baseUrl?: string;
}

/**
 * Middleware for Express and Connect. Passes requests for other paths to the next handler. In callbacks, `request.raw`
 * is Express's `req`, with everything that earlier middleware added to it: see {@link expressRequest}.
 *
 * @example
 * app.use(toExpressHandler(uploads))
 */
export function toExpressHandler(uploads: MountableHandler) {
  return (incoming: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    const request = incoming as ExpressRequest;
    const plain = new NodePlainRequest(request, request.originalUrl ?? request.url ?? '/');
    if (!uploads.owns(plain.path)) {
      const [pathBelow = ''] = (request.url ?? '').split('?', 1);
      next(mountPointError(uploads, request.baseUrl ?? '', pathBelow));
      return;
    }
    uploads
      .handle(plain)
      .then((answer) => send(request, response, answer))
      .catch(next);
  };
}

/**
 * Express's request in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toExpressHandler()`
 * @example
 * authorize: ({ request }) => expressRequest<express.Request>(request).session.user ?? null
 */
export function expressRequest<Request = IncomingMessage>(request: CallbackRequest): Request {
  return frameworkRequest(request, 'toExpressHandler', ['rawHeaders']) as Request;
}
