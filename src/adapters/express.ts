/** Express 4 and 5, mounted anywhere, with or without `express.json()` before it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WaybillError } from '../protocol/index.ts';
import { type Handler, NodePlainRequest, send } from './node.ts';

/** What is used of Express's request, so that its types are not needed here. Connect and others set less. */
interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  baseUrl?: string;
}

export interface MountableHandler extends Handler {
  owns(path: string): boolean;
}

/**
 * Paths that are not Waybill's go on to the next handler. The callbacks' `request.raw` is Express's `req`, with
 * everything that earlier middleware put on it.
 *
 * @example
 * app.use(toExpressHandler(uploads))
 */
export function toExpressHandler(uploads: MountableHandler) {
  return (incoming: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    const request = incoming as ExpressRequest;
    const plain = new NodePlainRequest(request, request.originalUrl ?? request.url ?? '/');
    if (!uploads.owns(plain.path)) {
      next(misplaced(uploads, request));
      return;
    }
    uploads
      .handle(plain)
      .then((answer) => send(request, response, answer))
      .catch(next);
  };
}

/** `file.url` must be the path that browsers see, so `createUploads` must know a mount point as well. */
function misplaced(uploads: MountableHandler, request: ExpressRequest): WaybillError | undefined {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const { baseUrl = '' } = request;
  if (baseUrl === '' || !uploads.owns(path)) return undefined;
  return new WaybillError(
    'config_invalid',
    `The uploads handler is mounted at ${baseUrl}: give createUploads \`basePath: '${baseUrl}'\`.`,
  );
}
