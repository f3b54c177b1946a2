/** Express 5, mounted anywhere, with or without `express.json()` before it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WaybillError } from '../protocol/index.ts';
import { type Handler, NodePlainRequest, send } from './node.ts';

/** What is used of Express's request, so that its types are not needed here. */
interface ExpressRequest extends IncomingMessage {
  originalUrl: string;
  baseUrl: string;
  body?: unknown;
}

export interface MountableHandler extends Handler {
  owns(path: string): boolean;
}

/**
 * Paths that are not Waybill's go on to the next handler. The callbacks' `request.raw` is Express's `req`, with
 * whatever earlier middleware put on it.
 *
 * @example
 * app.use(toExpressHandler(uploads))
 */
export function toExpressHandler(uploads: MountableHandler) {
  return (incoming: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    const request = incoming as ExpressRequest;
    const plain = new NodePlainRequest(request, request.originalUrl);
    if (!uploads.owns(plain.path)) {
      next(misplaced(uploads, request));
      return;
    }
    const { body } = request;
    // A parser before us has eaten the stream: raw() and text() leave it whole, json() leaves what it said.
    if (body instanceof Uint8Array || typeof body === 'string') {
      const bytes = Buffer.from(body as string);
      plain.body = async (maxBytes) => (bytes.length > maxBytes ? null : bytes);
    } else if (body !== undefined && request.readableEnded) plain.json = body;
    uploads.handle(plain).then((answer) => send(request, response, answer), next);
  };
}

/** `file.url` must be the path that browsers see, so a mount point has to be said to `createUploads` as well. */
function misplaced(uploads: MountableHandler, request: ExpressRequest): WaybillError | undefined {
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (request.baseUrl === '' || !uploads.owns(path)) return undefined;
  return new WaybillError(
    'config_invalid',
    `The uploads handler is mounted at ${request.baseUrl}: give createUploads \`basePath: '${request.baseUrl}'\`.`,
  );
}
