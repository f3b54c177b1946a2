/** Stores the verified object as the file at its final key. */
import { isWaybillError, type StoredFile } from '../../protocol/index.ts';
import type { SizedClaims } from '../state/claims.ts';
import { leaseMs } from '../state/lease-time.ts';
import type { EndedUpload } from '../state/upload-states.ts';
import { rejectUpload } from './discard.ts';
import { finishUpload } from './finish.ts';
import { guardsCopies } from './key-locks.ts';
import type { Lease } from './lease.ts';
import { promote } from './promote.ts';
import { type AttemptResult, completingResult, retry } from './result.ts';
import type { CompletionRun } from './run.ts';
import type { StagedObject } from './staged-object.ts';
import type { AcceptedUpload } from './verify-upload.ts';

export async function storeFile(
  run: CompletionRun,
  lease: Lease,
  claims: SizedClaims,
  staged: StagedObject,
  { contentType, charset, checksum }: AcceptedUpload,
): Promise<AttemptResult> {
  const verified: SizedClaims = { ...claims, contentType, charset };
  let copy: CopyResult;
  try {
    copy = await copyToKey(run, lease, verified, staged, checksum);
  } catch (error) {
    if (!isWaybillError(error) || error.code !== 'upload_conflict') throw error;
    if (!(await lease.reject(error))) return retry;
    return rejectUpload(run, verified, error);
  }
  if (copy.kind !== 'copied') return copy;
  const result = await finishUpload(run, lease, verified, { checksum, etag: copy.etag });
  for (const replaced of copy.replaced) await run.services.endCallbacks.runSoon(replaced);
  return result;
}

type CopyResult = { kind: 'copied'; etag: string; replaced: readonly EndedUpload[] } | AttemptResult;

/**
 * Copies the object to its key. The key is locked when another upload may have the same key and the storage does not
 * guard it, and when replaced files have to be recorded in the order of the copies.
 */
async function copyToKey(
  { services, route }: CompletionRun,
  lease: Lease,
  claims: SizedClaims,
  staged: StagedObject,
  checksum: StoredFile['checksum'],
): Promise<CopyResult> {
  const { config, states, keyLocks } = services;
  const { storage, ledger } = config;
  const { key, replace } = route.definition;

  async function copy(): Promise<CopyResult> {
    const copied = await promote(storage, route, claims, staged.info, {
      copyMaxBytes: config.copyMaxBytes,
      checksum,
      takenOver: lease.takenOver,
      keepLease: lease.keep,
    });
    if (!copied) return retry;
    const replaced = replace ? await states.recordReplacement(claims) : [];
    return { kind: 'copied', etag: copied.etag, replaced };
  }

  const needsLock = key !== undefined && (replace ? ledger !== undefined : !guardsCopies(storage.capabilities));
  if (!needsLock) return copy();
  const copied = await keyLocks.during(claims, 2 * leaseMs(claims.size), copy);
  return copied ?? completingResult(claims, 1000);
}
