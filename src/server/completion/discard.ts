import type { WaybillError } from '../../protocol/index.ts';
import type { Storage } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import { eventFacts } from '../events.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims, OpenedGrant } from '../state/claims.ts';
import type { UploadStates } from '../state/upload-states.ts';
import type { CompletionRun } from './run.ts';
import { closeStaging, deleteSharedObject } from './staging.ts';

/**
 * Deletes everything that an ended upload has at the storage, except its recorded state, and gives its reservation
 * back.
 */
export async function discardUpload(
  { config, states }: { config: Config; states: Pick<UploadStates, 'deleteReceipt'> },
  { claims, multipart }: OpenedGrant,
): Promise<void> {
  const { storage, ledger } = config;
  let isClosed = true;
  if (claims.shared) await deleteSharedObject(config, claims);
  else {
    const key = stagingKeyOf(config, claims.uploadId);
    [isClosed] = await Promise.all([
      closeStaging(config, claims),
      multipart && freeParts(storage, key, multipart.multipartId),
    ]);
    // The receipt is deleted last: as long as there may be parts, it says which upload they belong to.
    if (claims.partSize !== null) await states.deleteReceipt(claims.uploadId);
  }
  // Otherwise the sweep gives the reservation back after the request has expired.
  if (isClosed) await ledger?.freeReservation(claims.uploadId);
}

/**
 * Aborts until no part is left: while a part is being sent, S3 may keep the parts of an aborted upload.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
 */
async function freeParts(storage: Storage, key: string, multipartId: string): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await storage.abortMultipart(key, multipartId);
    if ((await storage.listParts(key, multipartId)) === null) return;
  }
}

/** Ends a completion whose rejection is recorded. */
export async function rejectUpload(
  { services, opened, startedAt }: CompletionRun,
  claims: Claims,
  refusal: WaybillError,
): Promise<never> {
  const { config, emit, endCallbacks } = services;
  await discardUpload(services, opened);
  emit?.('upload.rejected', { ...eventFacts(claims), code: refusal.code, durationMs: config.now() - startedAt });
  await (config.ledger ? endCallbacks.runSoon(claims) : endCallbacks.callOnReject(claims, refusal));
  throw refusal;
}
