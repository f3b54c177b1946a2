/**
 * Finds out whether CORS hides the answer from this page, or whether there was no answer. It is used after the first
 * unreadable answer.
 */
import type { DetailsOf } from '../../protocol/index.ts';
import type { RequestDetails } from '../exchange.ts';

/**
 * Whether the host of `url` answers at all. False outside browsers and for the page's own origin, where CORS hides no
 * answer.
 */
export async function isReachable(url: string): Promise<boolean> {
  const origin = /^\w+:\/\/[^/]+/.exec(url)?.[0];
  if (!origin || !globalThis.location || origin === location.origin) return false;
  // An opaque answer is enough. The path is left out: a request to it might have an effect.
  return fetch(origin, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' }).then(
    () => true,
    () => false,
  );
}

/** Describes what the operator has to change, as text and as data. @param endpoint the address of the app's server */
export function describeCors({ method, url, headers }: RequestDetails, endpoint: string): DetailsOf<'cors_blocked'> {
  const { origin } = location;
  const describe = (server: string, remedy: string) => ({
    origin,
    method,
    headers,
    hint: `The browser hides the answers of ${server} from this page. ${remedy}`,
  });
  if (url.startsWith(endpoint)) return describe(endpoint, `Add ${origin} to \`allowedOrigins\` of createUploads().`);
  const bucket = url.split('/').slice(0, 4).join('/');
  const allowed = `the origin ${origin}, the method ${method} and the headers: ${headers.join(', ') || 'none'}`;
  return { ...describe(bucket, `Its CORS rules must allow ${allowed}.`), bucket };
}
