/**
 * The messages that the end of an upload and the deletion of its file cause, with the body as it is signed.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
 */

import type { Claims } from '../state/claims.ts';
import { deletedFile, grantedFile } from '../state/described-files.ts';
import type { Deletion, Ending, NewWebhook, UploadRecord } from '../state/ledger.ts';
import type { ResolvedWebhooks, WebhookType } from './options.ts';

type Types = Pick<ResolvedWebhooks, 'types'>;

export function createEndMessages({ types }: Types, claims: Claims, ending: Ending, now: () => number): NewWebhook[] {
  const type = `upload.${ending.state}` as WebhookType;
  if (!types.has(type)) return [];
  return [createMessage(type, claims, describeEnding(claims, ending), now)];
}

export function createDeletionMessages(
  { types }: Types,
  record: UploadRecord,
  deletion: Deletion,
  now: () => number,
): NewWebhook[] {
  if (!types.has('file.deleted')) return [];
  return [createMessage('file.deleted', record, { file: deletedFile(record), ...deletion }, now)];
}

function describeEnding(claims: Claims, ending: Ending): object {
  if (ending.state === 'completed') return { file: ending.file, data: ending.data };
  const file = grantedFile(claims);
  return ending.state === 'rejected' ? { file, error: ending.error } : { file };
}

function createMessage(
  type: WebhookType,
  { uploadId, route, ownerId, metadata }: Pick<Claims, 'uploadId' | 'route' | 'ownerId' | 'metadata'>,
  facts: object,
  now: () => number,
): NewWebhook {
  const data = { uploadId, route, ownerId, metadata, ...facts };
  const payload = JSON.stringify({ type, timestamp: new Date(now()).toISOString(), data });
  // An upload causes each type of message once, so the receiver recognises a repeated delivery by this id.
  return { webhookId: `msg_${uploadId}_${type.slice(type.indexOf('.') + 1)}`, type, payload };
}
