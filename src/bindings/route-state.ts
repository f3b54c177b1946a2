import type { Client } from '../client/index.ts';
import type { RouteInfo } from '../protocol/index.ts';
import { createListeners, type Observable } from './observable.ts';
import type { Routes } from './types.ts';

/** What a page needs to know about a route. */
export interface RouteState {
  /** Null until the server has answered, and after a failed call. */
  readonly info: RouteInfo | null;
  /** For `<input type="file" accept>`. Undefined while unknown, or when the route accepts every type. */
  readonly accept: string | undefined;
}

const unknownRoute: RouteState = { info: null, accept: undefined };

/** The limits of a route. The first listener asks the server, so a page that is rendered on a server sends nothing. */
export function createRouteState<R extends Routes>(client: Client<R>, route: keyof R & string): Observable<RouteState> {
  let state = unknownRoute;
  const listeners = createListeners(() => {
    if (listeners.count === 0 || state.info) return;
    client.routeInfo(route).then(
      (info) => {
        state = { info, accept: acceptOf(info) };
        listeners.notify();
      },
      // An upload will fail with the same error.
      () => {},
    );
  });
  return { subscribe: listeners.subscribe, getSnapshot: () => state };
}

export function acceptOf(info: RouteInfo | null): string | undefined {
  const { contentTypes, extensions } = info?.limits ?? {};
  // The server requires both, but `accept` is a union, so it may only contain the narrower of them.
  const accepted = extensions?.map((extension) => `.${extension}`) ?? contentTypes;
  return accepted?.includes('*/*') ? undefined : accepted?.join(',');
}
