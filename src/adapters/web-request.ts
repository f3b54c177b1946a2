/** Converts a Fetch API request for the handler, for frameworks whose callbacks need more than the `Request`. */

import type { PlainRequest } from '../server/index.ts';
import { plainRequest, webResponse } from '../server/internal.ts';
import type { Handler } from './handler.ts';

export interface WebRequestOptions {
  /** The value of `request.raw` in callbacks. @default the request */
  raw?: unknown;
  /** Reads the body where the framework may have read it before. @default reads `request` */
  body?: PlainRequest['body'];
  /** The path that browsers see, where the framework has changed it. @default the path of `request.url` */
  path?: string;
  /** Keeps the function alive for work after the response. @default none */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

export async function respond(uploads: Handler, request: Request, options: WebRequestOptions = {}): Promise<Response> {
  const { raw = request, body, path, waitUntil } = options;
  const plain = plainRequest(request, raw);
  if (body) plain.body = body;
  if (path !== undefined) plain.path = path;
  if (waitUntil) plain.waitUntil = waitUntil;
  return webResponse(await uploads.handle(plain));
}

/** @returns the path as it was sent. `new URL()` would resolve dot segments and encode characters. */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const [path = '/'] = (start === -1 ? '/' : url.slice(start)).split(/[?#]/, 1);
  return path;
}
