import { useEffect, useState } from 'react';
import type { Client } from '../client/types.ts';
import type { RouteInfo, RouteTypes } from '../protocol/index.ts';

export interface UseRoute {
  /** Null until the server has answered, and when it could not be asked. */
  info: RouteInfo | null;
  /** For `<input type="file" accept>`. Undefined while unknown, or when the route takes anything. */
  accept: string | undefined;
}

/**
 * Asks the server for the limits of a route, once per client.
 * @example const { accept } = useRoute(client, 'avatar')
 */
export function useRoute<Routes extends Record<string, RouteTypes>>(
  client: Client<Routes>,
  route: keyof Routes & string,
): UseRoute {
  const [info, setInfo] = useState<RouteInfo | null>(null);
  useEffect(() => {
    let wanted = true;
    client.routeInfo(route).then(
      (answer) => wanted && setInfo(answer),
      // The upload itself will say why.
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [client, route]);
  return { info, accept: acceptOf(info) };
}

export function acceptOf(info: RouteInfo | null): string | undefined {
  const { contentTypes, extensions } = info?.limits ?? {};
  // Both must hold for the server; a picker's list is a union, so only the narrower one may stand in it.
  const accepted = extensions?.map((extension) => `.${extension}`) ?? contentTypes;
  return accepted?.includes('*/*') ? undefined : accepted?.join(',');
}
