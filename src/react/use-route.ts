import { useEffect, useState } from 'react';
import type { Client } from '../client/index.ts';
import type { RouteInfo, RouteTypes } from '../protocol/index.ts';

export interface UseRoute {
  /** Null until the server has answered, and after a failed call. */
  info: RouteInfo | null;
  /** For `<input type="file" accept>`. Undefined while unknown, or when the route accepts every type. */
  accept: string | undefined;
}

/**
 * Gives the limits of a route. The server is asked once for each client.
 * @example const { accept } = useRoute(client, 'avatar')
 */
export function useRoute<Routes extends Record<string, RouteTypes>>(
  client: Client<Routes>,
  route: keyof Routes & string,
): UseRoute {
  const [info, setInfo] = useState<RouteInfo | null>(null);
  useEffect(() => {
    let isMounted = true;
    client.routeInfo(route).then(
      (answer) => isMounted && setInfo(answer),
      // An upload will fail with the same error.
      () => {},
    );
    return () => {
      isMounted = false;
    };
  }, [client, route]);
  return { info, accept: acceptOf(info) };
}

export function acceptOf(info: RouteInfo | null): string | undefined {
  const { contentTypes, extensions } = info?.limits ?? {};
  // The server requires both, but `accept` is a union, so it may only contain the narrower of them.
  const accepted = extensions?.map((extension) => `.${extension}`) ?? contentTypes;
  return accepted?.includes('*/*') ? undefined : accepted?.join(',');
}
