import { computed, type Signal } from '@angular/core';
import { createRouteState, type Routes } from '../bindings/index.ts';
import type { Client } from '../client/index.ts';
import type { RouteInfo } from '../protocol/index.ts';
import { injectObservable } from './inject-observable.ts';

export interface InjectRoute {
  /** Null until the server has answered, and after a failed call. */
  info: Signal<RouteInfo | null>;
  /** For `<input type="file" [attr.accept]>`. Undefined while unknown, or when the route accepts every type. */
  accept: Signal<string | undefined>;
}

/**
 * Gives the limits of a route. The server is asked once for each client, after the first rendering in a browser.
 * @example route = injectRoute(client, 'avatar')
 */
export function injectRoute<R extends Routes>(client: Client<R>, route: keyof R & string): InjectRoute {
  const state = injectObservable(createRouteState(client, route));
  return { info: computed(() => state().info), accept: computed(() => state().accept) };
}
