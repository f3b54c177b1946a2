/** The adapter for the framework mode of React Router: a resource route. */
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type Handler } from './handler.ts';
import { respond } from './web-request.ts';

/** The part of the arguments of a loader or an action that is used here, without its types. */
interface RouteArguments {
  request: Request;
}

/**
 * The loader and the action of a splat route without a component. Two routes are needed, `/uploads/*` and `/files/*`;
 * both may name the same file. In callbacks, `request.raw` is the argument of the loader or action, with its `context`:
 * see {@link reactRouterArguments}.
 *
 * @example
 * // app/routes.ts
 * route('uploads/*', 'routes/waybill.ts', { id: 'uploads' }), route('files/*', 'routes/waybill.ts', { id: 'files' })
 * @example
 * // app/routes/waybill.ts. React Router cannot build a route whose exports are destructured.
 * const handler = toReactRouterHandler(uploads);
 * export const loader = handler.loader;
 * export const action = handler.action;
 */
export function toReactRouterHandler(uploads: Handler) {
  const handle = (routeArguments: RouteArguments): Promise<Response> =>
    respond(uploads, routeArguments.request, { raw: routeArguments });
  return { loader: handle, action: handle };
}

/**
 * The argument of the loader or action in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toReactRouterHandler()`
 * @example
 * authorize: ({ request }) => reactRouterArguments<LoaderFunctionArgs>(request).context.get(userContext)
 */
export function reactRouterArguments<Arguments = RouteArguments>(request: CallbackRequest): Arguments {
  return frameworkRequest(request, 'toReactRouterHandler', ['request', 'params']) as Arguments;
}
