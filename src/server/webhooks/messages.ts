import type { Claims } from '../state/claims.ts';
import type { Ending, NewWebhook } from '../state/ledger.ts';
import type { ResolvedWebhooks, WebhookType } from './options.ts';

/**
 * The webhooks that the end of an upload causes, with the body as it is signed.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
 */
export function createMessages(
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
  // An upload ends once, so the receiver recognises a repeated delivery by this id.
  return [{ webhookId: `msg_${uploadId}_${ending.state}`, type, payload }];
}
