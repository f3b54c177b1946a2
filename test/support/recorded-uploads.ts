/** Records uploads in a ledger in the states that an operator can find, with parked callbacks and webhooks. */
import { randomBytes } from 'node:crypto';
import type { Ledger } from '../../src/server/index.ts';
import type { Ending, NewUpload } from '../../src/server/internal.ts';

const leaseMs = 60_000;

export async function grantedUpload(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<string> {
  const uploadId = randomBytes(16).toString('hex');
  const refusals = await ledger.grant([
    {
      uploadId,
      route: 'files',
      ownerId: 'alice',
      key: `files/alice/${uploadId}.png`,
      fileName: 'photo.png',
      contentType: 'image/png',
      size: 1000,
      partSize: null,
      transfer: 'put',
      checksum: null,
      metadata: null,
      reservedBytes: 1000,
      expiresInMs: 900_000,
      abandonAfterMs: 86_400_000,
      quotas: { owner: null, route: null },
      ...more,
    },
  ]);
  if (refusals[0]) throw new Error('The upload was not granted.');
  return uploadId;
}

/** Records an upload whose callback failed for the last time. */
export async function parkedUpload(
  ledger: Ledger,
  more: Partial<NewUpload> = {},
  reason = 'Error: the database of the app is down',
): Promise<string> {
  const uploadId = await grantedUpload(ledger, more);
  const fence = await ledger.recordCallbackStart(uploadId, await takeLease(ledger, uploadId), leaseMs);
  if (fence === null) throw new Error('The upload is in another state.');
  await ledger.recordCallbackFailure(uploadId, fence, reason, null);
  return uploadId;
}

export async function endedUpload(ledger: Ledger, ending: Ending, more: Partial<NewUpload> = {}): Promise<string> {
  const uploadId = await grantedUpload(ledger, more);
  if (!(await ledger.end(uploadId, await takeLease(ledger, uploadId), ending)))
    throw new Error('The upload is in another state.');
  return uploadId;
}

/** Writes a webhook to the outbox. @returns its id */
export async function writeWebhook(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<string> {
  const webhookId = `msg_${randomBytes(12).toString('hex')}`;
  const webhooks = [{ webhookId, type: 'upload.rejected', payload: '{}' }];
  const error = {
    code: 'checksum_mismatch',
    message: 'Other bytes arrived.',
    retryable: false,
    requestId: '',
  } as const;
  await endedUpload(ledger, { state: 'rejected', error, webhooks }, more);
  return webhookId;
}

export async function takeLease(ledger: Ledger, uploadId: string): Promise<number> {
  const leased = await ledger.takeLease(uploadId, leaseMs);
  if (!leased || !('fence' in leased)) throw new Error('Another process holds the lease.');
  return leased.fence;
}
