/** Telling an answer that CORS hides from this page apart from no answer. Loaded after the first one that was unreadable. */
import type { WaybillError } from '../../protocol/index.ts';
import { originOf } from '../answers.ts';
import { failure } from '../errors.ts';
import type { Tried } from '../exchange.ts';

/** Whether the host of `url` answers at all. False where nothing can be hidden: outside browsers, and on one's own origin. */
export async function isThere(url: string): Promise<boolean> {
  const origin = originOf(url);
  if (!origin || !globalThis.location || origin === location.origin) return false;
  // An opaque answer is an answer. The path stays away: a route there might mean something.
  return fetch(origin, { mode: 'no-cors', cache: 'no-store', credentials: 'omit' }).then(
    () => true,
    () => false,
  );
}

export function blocked({ method, url, headers }: Tried): WaybillError {
  const { origin } = location;
  const bucket = url.split('/').slice(0, 4).join('/');
  return failure(
    'cors_blocked',
    `The browser hides the answers of ${bucket} from this page. Its CORS rules must allow origin ${origin}, method ${method} and the headers ${headers.join(', ') || '(none)'}.`,
    { details: { origin, bucket, method, headers } },
  );
}
