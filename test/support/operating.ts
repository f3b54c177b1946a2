/** What an operator would find in a ledger: uploads in every state, callbacks and webhooks that were given up. */
import { randomBytes } from 'node:crypto';
import type { Ending, Ledger, NewUpload } from '../../src/server/index.ts';

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
  if (refusals[0]) throw new Error('It was not granted.');
  return uploadId;
}

/** Its callback has failed for the last time. */
export async function parkedUpload(
  ledger: Ledger,
  more: Partial<NewUpload> = {},
  reason = 'Error: the database of the app is away',
): Promise<string> {
  const uploadId = await grantedUpload(ledger, more);
  const calling = await ledger.calling(uploadId, await claimed(ledger, uploadId), leaseMs);
  if (calling === null) throw new Error('It moved on.');
  await ledger.failed(uploadId, calling, reason, null);
  return uploadId;
}

export async function endedUpload(ledger: Ledger, ending: Ending, more: Partial<NewUpload> = {}): Promise<string> {
  const uploadId = await grantedUpload(ledger, more);
  if (!(await ledger.end(uploadId, await claimed(ledger, uploadId), ending))) throw new Error('It moved on.');
  return uploadId;
}

/** A message in the outbox. @returns its id */
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

async function claimed(ledger: Ledger, uploadId: string): Promise<number> {
  const claim = await ledger.claim(uploadId, leaseMs);
  if (!claim || !('fence' in claim)) throw new Error('Somebody else has it.');
  return claim.fence;
}
