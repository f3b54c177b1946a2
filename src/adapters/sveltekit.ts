/** The adapter for SvelteKit: a `handle` hook. */
import type { CallbackRequest } from '../server/index.ts';
import { frameworkRequest, type MountableHandler } from './handler.ts';
import { pathOf, respond } from './web-request.ts';

/** The part of SvelteKit's event that is used here, without its types. */
interface SvelteKitEvent {
  request: Request;
  platform?: unknown;
}

interface SvelteKitHook<Event> {
  event: Event;
  resolve(event: Event): Response | Promise<Response>;
}

/**
 * A hook that answers Waybill's paths and resolves all others. After a hook that fills `event.locals`, put it behind
 * that one with `sequence()`. In callbacks, `request.raw` is SvelteKit's event: see {@link svelteKitEvent}.
 *
 * @example
 * // hooks.server.ts
 * export const handle = sequence(readSession, toSvelteKitHandle(uploads))
 */
export function toSvelteKitHandle(uploads: MountableHandler) {
  return async <Event extends SvelteKitEvent>({ event, resolve }: SvelteKitHook<Event>): Promise<Response> => {
    if (!uploads.owns(pathOf(event.request.url))) return resolve(event);
    return respond(uploads, event.request, { raw: event, waitUntil: findWaitUntil(event.platform) });
  };
}

/** Cloudflare's adapter has `platform.ctx`, and older versions `platform.context`. */
function findWaitUntil(platform: unknown): ((work: Promise<unknown>) => void) | undefined {
  type Context = { waitUntil?(work: Promise<unknown>): void };
  const { ctx, context } = (platform ?? {}) as { ctx?: Context; context?: Context };
  const owner = ctx ?? context;
  return owner?.waitUntil && ((work) => owner.waitUntil?.(work));
}

/**
 * SvelteKit's event in a callback, with the type that your app gives it.
 *
 * @throws {WaybillError} `config_invalid` when the request did not come through `toSvelteKitHandle()`
 * @example
 * authorize: ({ request }) => svelteKitEvent<RequestEvent>(request).locals.user ?? null
 */
export function svelteKitEvent<Event = SvelteKitEvent>(request: CallbackRequest): Event {
  return frameworkRequest(request, 'toSvelteKitHandle', ['request', 'locals']) as Event;
}
