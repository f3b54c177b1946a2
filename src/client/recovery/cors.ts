/**
 * Telling an answer that CORS hides from this page apart from no answer. Loaded after the first one that was unreadable;
 * it imports nothing of the client, so that a page's bundle stays in one piece.
 */
import type { DetailsOf } from '../../protocol/index.ts';
import type { Tried } from '../exchange.ts';

/** Whether the host of `url` answers at all. False where nothing can be hidden: outside browsers, and on one's own origin. */
export async function isThere(url: string): Promise<boolean> {
  const origin = /^\w+:\/\/[^/]+/.exec(url)?.[0];
  if (!origin || !globalThis.location || origin === location.origin) return false;
  // An opaque answer is an answer. The path stays away: a route there might mean something.
  return fetch(origin, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' }).then(
    () => true,
    () => false,
  );
}

/** What to change, in words and as data. @param endpoint where the app's server takes uploads */
export function advise({ method, url, headers }: Tried, endpoint: string): DetailsOf<'cors_blocked'> {
  const { origin } = location;
  if (url.startsWith(endpoint))
    return {
      origin,
      method,
      headers,
      hint: `The browser hides the answers of ${endpoint} from this page. Add ${origin} to \`allowedOrigins\` of createUploads().`,
    };
  const bucket = url.split('/').slice(0, 4).join('/');
  const names = headers.join(', ') || 'none';
  return {
    origin,
    bucket,
    method,
    headers,
    hint: `The browser hides the answers of ${bucket} from this page. Its CORS rules must allow the origin ${origin}, the method ${method} and the headers: ${names}.`,
  };
}
