/** Chooses what is recorded with the end or the deletion of an upload: its callback, and its webhooks. */
import type { Config } from './config.ts';
import type { ChooseEffects } from './state/end-effects.ts';
import type { EndEffects, NewWebhook, PendingCallback } from './state/ledger.ts';
import { createDeletionMessages, createEndMessages } from './webhooks/messages.ts';

export function createChooseEffects({ webhooks, routes, now }: Config): ChooseEffects {
  function chooseEffects(
    route: string,
    callback: PendingCallback | null,
    messages: readonly NewWebhook[] | undefined,
  ): EndEffects {
    const hasCallback = callback !== null && routes.get(route)?.definition[callback.name] !== undefined;
    return { ...(messages ? { webhooks: messages } : {}), ...(hasCallback ? { callback } : {}) };
  }

  return {
    ofEnding: (claims, ending) =>
      chooseEffects(
        claims.route,
        callbackOfState[ending.state],
        webhooks && createEndMessages(webhooks, claims, ending, now),
      ),
    ofDeletion: (record, deletion) => ({
      ...chooseEffects(
        record.route,
        { name: 'onDelete', ...deletion },
        webhooks && createDeletionMessages(webhooks, record, deletion, now),
      ),
      deletion,
    }),
  };
}

/** `onComplete` is not among them: it runs before the end is recorded. */
const callbackOfState = {
  completed: null,
  rejected: { name: 'onReject' },
  aborted: null,
  expired: { name: 'onExpire' },
} as const;
