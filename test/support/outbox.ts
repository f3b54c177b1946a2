/** Writes webhooks to a ledger's outbox for uploads that no client has sent. */
import { randomBytes } from 'node:crypto';
import type { Ledger } from '../../src/server/index.ts';

/** @returns the webhook's id */
export async function addMessage(
  ledger: Ledger,
  state: 'completed' | 'rejected' = 'rejected',
  uploadId = randomBytes(8).toString('hex'),
): Promise<string> {
  const key = `files/${uploadId}`;
  const facts = { uploadId, route: 'files', key, fileName: 'a.png', contentType: 'image/png' };
  const bytes = { size: 1, partSize: null, reservedBytes: 1, checksum: null, transfer: 'put' as const };
  const times = { expiresInMs: 60_000, abandonAfterMs: 60_000 };
  const quotas = { owner: null, route: null };
  await ledger.grant([{ ...facts, ...bytes, ...times, ownerId: 'anna', metadata: null, quotas }]);
  const leased = await ledger.takeLease(uploadId, 60_000);
  if (!leased || !('fence' in leased)) throw new Error('not leased');
  const webhookId = `msg_${uploadId}_${state}`;
  const file = { ...facts, size: 1, checksum: null, etag: '"e"', url: `/files/${uploadId}`, storedAt: '2026-01-01' };
  const error = { code: 'upload_rejected' as const, message: 'No.', retryable: false };
  const type = `upload.${state}`;
  const data = { uploadId, route: 'files', ownerId: 'anna', ...(state === 'completed' ? { file } : { error }) };
  const webhooks = [{ webhookId, type, payload: JSON.stringify({ type, timestamp: '2026-01-01', data: data }) }];
  const ending =
    state === 'completed' ? ({ state, file, data: null, webhooks } as const) : ({ state, error, webhooks } as const);
  if (!(await ledger.end(uploadId, leased.fence, ending))) throw new Error('not ended');
  return webhookId;
}
