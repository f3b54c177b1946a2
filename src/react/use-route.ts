import { useMemo } from 'react';
import { createRouteState, type RouteState, type Routes } from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import { useObservable } from './use-upload.ts';

export type UseRoute = RouteState;

/**
 * Gives the limits of a route. The server is asked once for each client, when the component is mounted.
 * @example const { accept } = useRoute(client, 'avatar')
 */
export function useRoute<R extends Routes>(client: Client<R>, route: keyof R & string): UseRoute {
  return useObservable(useMemo(() => createRouteState(client, route), [client, route]));
}
