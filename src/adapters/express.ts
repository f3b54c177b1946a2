/** The adapter for Express 4 and 5. It may be mounted at any path, with or without `express.json()` before it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WaybillError } from '../protocol/index.ts';
import { type Handler, NodePlainRequest, send } from './node.ts';

/** The part of Express's request that is used here, without its types. Connect and others set less. */
interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  baseUrl?: string;
}

export interface MountableHandler extends Handler {
  owns(path: string): boolean;
}

/**
 * Passes requests for other paths to the next handler. In callbacks, `request.raw` is Express's `req`, with everything
 * that earlier middleware added to it.
 *
 * @example
 * app.use(toExpressHandler(uploads))
 */
export function toExpressHandler(uploads: MountableHandler) {
  return (incoming: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void => {
    const request = incoming as ExpressRequest;
    const plain = new NodePlainRequest(request, request.originalUrl ?? request.url ?? '/');
    if (!uploads.owns(plain.path)) {
      next(mountingError(uploads, request));
      return;
    }
    uploads
      .handle(plain)
      .then((answer) => send(request, response, answer))
      .catch(next);
  };
}

/** `createUploads` has to know the mount path too, because `file.url` contains it. */
function mountingError(uploads: MountableHandler, request: ExpressRequest): WaybillError | undefined {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const { baseUrl = '' } = request;
  if (baseUrl === '' || !uploads.owns(path)) return undefined;
  return new WaybillError(
    'config_invalid',
    `The uploads handler is mounted at ${baseUrl}. Pass \`basePath: '${baseUrl}'\` to createUploads.`,
  );
}
