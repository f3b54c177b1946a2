/** Finishes an upload whose file is at its key: runs `onComplete`, records its result, deletes the staged object. */
import type { StoredFile } from '../../protocol/index.ts';
import { eventFacts } from '../events.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { SizedClaims } from '../state/claims.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { runOnComplete } from './callbacks.ts';
import type { Lease } from './lease.ts';
import { type AttemptResult, retry } from './result.ts';
import type { CompletionRun } from './run.ts';
import { closeStaging, leavesPlaceholder } from './staging.ts';
import { describeFile } from './verify-staged.ts';

/**
 * The result is recorded after the callback has returned, and the copy at the key names its upload, so that an attempt
 * that stops at any step can be continued.
 */
export async function finishUpload(
  run: CompletionRun,
  lease: Lease,
  claims: SizedClaims,
  { checksum, etag }: Pick<StoredFile, 'checksum' | 'etag'>,
): Promise<AttemptResult> {
  const { services, cleanup, startedAt } = run;
  const { config, states, emit, callbackResults } = services;
  const { uploadId } = claims;
  const file: StoredFile = {
    ...describeFile(claims),
    checksum,
    etag,
    url: services.viewUrl(claims),
    storedAt: new Date(config.now()).toISOString(),
  };
  const called = await runOnComplete(run, lease, claims, file);
  if (!called) return retry;
  const { data } = called;
  const stagingKey = claims.shared ? null : stagingKeyOf(config, uploadId);
  // The staged objects of a batch are deleted with one request. Leaving a placeholder needs a request for each object.
  const isBatched = cleanup !== undefined && !leavesPlaceholder(config, claims);
  // All three run at the same time: if the record fails after the delete, the next attempt continues from the copy. A
  // staged object that cannot be deleted is left to the lifecycle rule, and does not fail the completion.
  const [recorded] = await Promise.allSettled([
    lease.complete(claims, { file, data }),
    isBatched || stagingKey === null ? undefined : closeStaging(config, claims),
    claims.partSize === null ? undefined : states.deleteReceipt(uploadId),
  ]);
  if (recorded.status === 'rejected') throw recorded.reason;
  callbackResults.delete(uploadId);
  if (stagingKey !== null && isBatched) await cleanup?.add(stagingKey);
  if (!recorded.value) return retry;
  await recordLaterReplacement(run, claims);
  emit?.('upload.completed', { ...eventFacts(claims), key: claims.key, durationMs: config.now() - startedAt });
  return { kind: 'completed', completed: { uploadId, file, data } };
}

/** A later upload may have replaced the file between its copy and its record. */
async function recordLaterReplacement({ services, route }: CompletionRun, claims: SizedClaims): Promise<void> {
  const { config, states } = services;
  if (!route.definition.replace || !config.ledger) return;
  const found = await config.storage.head(claims.key);
  if (found?.metadata[uploadIdHeader] === claims.uploadId) return;
  await states.recordReplacedBy(claims);
  await services.endCallbacks.runSoon(claims);
}
