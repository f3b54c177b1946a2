/** The adapter for h3 1 and 2, which Nitro and Nuxt use. */
import type { IncomingMessage } from 'node:http';
import type { CallbackRequest } from '../server/index.ts';
import { webResponse } from '../server/internal.ts';
import { frameworkRequest, type MountableHandler } from './handler.ts';
import { NodePlainRequest } from './node.ts';
import { pathOf, respond } from './web-request.ts';

/** The part of an event of h3 2 that is used here, without its types. */
interface H3Event {
  req: Request & { waitUntil?: (work: Promise<unknown>) => void };
}

/** The part of an event of h3 1 that is used here. */
interface H3EventV1 {
  node: { req: IncomingMessage & { originalUrl?: string } };
  waitUntil?: (work: Promise<unknown>) => void;
}

/**
 * An event handler for h3. As middleware (`app.use(...)`, or a file in the folder `middleware` of Nitro) it passes
 * other paths on. For Nuxt there is the module `waybill/adapters/nuxt`. In callbacks, `request.raw` is the event: see
 * {@link h3Event}.
 *
 * @example
 * app.use(toH3Handler(uploads))
 * @example
 * // middleware/uploads.ts of a Nitro app
 * export default defineEventHandler(toH3Handler(uploads))
 */
export function toH3Handler(uploads: MountableHandler) {
  return (event: H3Event | H3EventV1): Promise<Response> | undefined =>
    isV1(event) ? answerV1(uploads, event) : answer(uploads, event);
}

function isV1(event: H3Event | H3EventV1): event is H3EventV1 {
  return !('req' in event && event.req instanceof Request) && 'node' in event && event.node !== undefined;
}

function answer(uploads: MountableHandler, event: H3Event): Promise<Response> | undefined {
  const request = event.req;
  if (!uploads.owns(pathOf(request.url))) return undefined;
  const { waitUntil } = request;
  return respond(uploads, request, { raw: event, waitUntil: waitUntil && ((work) => waitUntil(work)) });
}

function answerV1(uploads: MountableHandler, event: H3EventV1): Promise<Response> | undefined {
  const { req } = event.node;
  const plain = new NodePlainRequest(req, req.originalUrl ?? req.url ?? '/', event);
  if (!uploads.owns(plain.path)) return undefined;
  const { waitUntil } = event;
  const request = waitUntil ? Object.assign(plain, { waitUntil }) : plain;
  return uploads.handle(request).then(webResponse);
}

/**
 * h3's event in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toH3Handler()`
 * @example
 * authorize: ({ request }) => h3Event<H3Event>(request).context.user ?? null
 */
export function h3Event<Event = H3Event>(request: CallbackRequest): Event {
  return frameworkRequest(request, 'toH3Handler', ['context']) as Event;
}
