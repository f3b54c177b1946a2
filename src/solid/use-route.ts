import type { Accessor } from 'solid-js';
import { createRouteState, type Routes } from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import type { RouteInfo } from '../protocol/index.ts';
import { observe } from './observe.ts';

export interface UseRoute {
  /** Null until the server has answered, and after a failed call. */
  info: Accessor<RouteInfo | null>;
  /** For `<input type="file" accept>`. Undefined while unknown, or when the route accepts every type. */
  accept: Accessor<string | undefined>;
}

/**
 * Gives the limits of a route. The server is asked once for each client, when the component is mounted.
 * @example const { accept } = useRoute(client, 'avatar')
 */
export function useRoute<R extends Routes>(client: Client<R>, route: keyof R & string): UseRoute {
  const state = observe(createRouteState(client, route));
  return { info: () => state().info, accept: () => state().accept };
}
