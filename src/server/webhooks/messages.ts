import type { Claims } from '../state/claims.ts';
import type { Ending, NewWebhook } from '../state/ledger.ts';
import type { ResolvedWebhooks, WebhookType } from './options.ts';

/**
 * The message about the end of an upload, with the body that is signed.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
 */
export function messagesFor(
  { types }: Pick<ResolvedWebhooks, 'types'>,
  claims: Claims,
  ending: Ending,
  now: () => number,
): NewWebhook[] {
  const type = `upload.${ending.state}` as WebhookType;
  if (!types.has(type)) return [];
  const { uploadId, route, ownerId, metadata } = claims;
  const outcome =
    ending.state === 'completed'
      ? { file: ending.file, data: ending.data }
      : { error: ending.state === 'rejected' ? ending.error : undefined };
  const payload = JSON.stringify({
    type,
    timestamp: new Date(now()).toISOString(),
    data: { uploadId, route, ownerId, metadata, ...outcome },
  });
  // An upload ends once, so its receiver can tell a second delivery from a second upload.
  return [{ webhookId: `msg_${uploadId}_${ending.state}`, type, payload }];
}
