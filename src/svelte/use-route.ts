import { createRouteState, type RouteState, type Routes } from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import { observe } from './observe.ts';

/** Both properties are reactive. */
export type UseRoute = RouteState;

/**
 * Gives the limits of a route. The server is asked once for each client, when a component first reads a property.
 * @example const avatar = useRoute(client, 'avatar')
 */
export function useRoute<R extends Routes>(client: Client<R>, route: keyof R & string): UseRoute {
  const read = observe(createRouteState(client, route));
  return {
    get info() {
      return read().info;
    },
    get accept() {
      return read().accept;
    },
  };
}
