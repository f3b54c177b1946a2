/**
 * Completes an upload: the staged bytes become a stored file. The client's call, a storage event and the sweep all use
 * this code, and it may run any number of times:
 *
 * | step                                    | file                                   |
 * |-----------------------------------------|----------------------------------------|
 * | assemble the parts, if there are any    | `check-parts.ts`, `assemble-parts.ts`  |
 * | read the staged object and verify it    | `staged-object.ts`, `verify-upload.ts` |
 * | take the lease                          | `lease.ts`                             |
 * | copy the object to its key              | `store-file.ts`, `promote.ts`          |
 * | run `onComplete`, record its result     | `finish.ts`, `callbacks.ts`            |
 * | delete the staged object                | `staging.ts`                           |
 *
 * An attempt that stops anywhere leaves a state from which the next attempt continues (`continue-without-object.ts`).
 */
import { checkLimits, WaybillError } from '../../protocol/index.ts';
import type { PartInfo } from '../../s3/index.ts';
import { notFound } from '../authorize.ts';
import { splitCharset } from '../shared/charset.ts';
import { describe } from '../shared/describe.ts';
import { uploadExpired } from '../shared/errors.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { OpenedGrant, SizedClaims } from '../state/claims.ts';
import { leaseMs } from '../state/lease-time.ts';
import { remainingLeaseMs } from '../state/upload-states.ts';
import { assembleParts, listArrivedParts } from './assemble-parts.ts';
import { isCallbackFailure } from './callbacks.ts';
import { type CheckedParts, type ClientReport, checkParts, isChecksumMismatch } from './check-parts.ts';
import { continueWithoutObject } from './continue-without-object.ts';
import { rejectUpload } from './discard.ts';
import { finishUpload } from './finish.ts';
import { type Lease, recordRejection, withLease } from './lease.ts';
import { withdrawCopy } from './promote.ts';
import { type AttemptResult, type CompletionResult, completingResult, retry } from './result.ts';
import type { CompletionRun, CompletionServices } from './run.ts';
import type { StagedCleanup } from './staged-cleanup.ts';
import { readStagedObject } from './staged-object.ts';
import { storeFile } from './store-file.ts';
import { verifyUpload } from './verify-upload.ts';

export type CompleteUpload = (
  opened: OpenedGrant,
  report?: ClientReport,
  cleanup?: StagedCleanup,
) => Promise<CompletionResult>;

export interface Completion {
  complete: CompleteUpload;
  /** Resolves when this process is not, or no longer, completing the upload. */
  waitFor: (uploadId: string) => Promise<void>;
  /** Resolves when this process completes no upload. */
  idle: () => Promise<void>;
}

interface RunningCompletion {
  result: Promise<CompletionResult>;
  /** Milliseconds since the epoch. */
  sharedUntil: number;
}

export function createCompletion(services: CompletionServices): Completion {
  const { now } = services.config;
  const inProgress = new Map<string, RunningCompletion>();

  /**
   * A runtime may stop the work of a request and keep the process, as Workers do, so that a completion never ends. It
   * is shared for as long as its lease. After that a call makes its own attempt, which a valid lease refuses.
   */
  function findShared(uploadId: string): Promise<CompletionResult> | undefined {
    const running = inProgress.get(uploadId);
    return running && now() < running.sharedUntil ? running.result : undefined;
  }

  return {
    complete(opened, report = {}, cleanup = undefined) {
      const { uploadId, size } = opened.claims;
      // Calls that arrive while the upload is being completed share that completion and get its result.
      const shared = findShared(uploadId);
      if (shared) return shared;
      const running: RunningCompletion = {
        sharedUntil: now() + leaseMs(size ?? 0),
        result: complete(services, opened, report, cleanup).finally(() => {
          if (inProgress.get(uploadId) === running) inProgress.delete(uploadId);
        }),
      };
      inProgress.set(uploadId, running);
      return running.result;
    },
    async idle() {
      while (inProgress.size > 0) await Promise.allSettled([...inProgress.values()].map(({ result }) => result));
    },
    async waitFor(uploadId) {
      await findShared(uploadId)?.catch(() => {});
    },
  };
}

/** How often one call starts again when the upload or its object changes in the meantime. */
const maxAttemptsPerCall = 3;

async function complete(
  services: CompletionServices,
  opened: OpenedGrant,
  report: ClientReport,
  cleanup: StagedCleanup | undefined,
): Promise<CompletionResult> {
  const { claims } = opened;
  const { config } = services;
  const route = config.routes.get(claims.route);
  if (!route) throw notFound();
  const run: CompletionRun = { services, route, opened, claims, report, cleanup, startedAt: config.now() };
  for (let attempt = 0; attempt < maxAttemptsPerCall; attempt += 1) {
    const result = await attemptCompletion(run);
    if (result.kind !== 'retry') return result;
  }
  throw new WaybillError('object_not_ready', 'The file is not ready yet. Try again.', {
    details: { hint: 'The object at the storage changed while it was verified.' },
  });
}

async function attemptCompletion(run: CompletionRun): Promise<AttemptResult> {
  if (run.claims.shared) return completeShared(run);
  const parts = await listArrivedParts(run);
  return parts ? completeParts(run, parts) : completeObject(run);
}

/**
 * Completes a staged object: all bytes were sent in one request, or an earlier attempt assembled the parts. The object
 * is verified before the lease is taken.
 */
async function completeObject(run: CompletionRun): Promise<AttemptResult> {
  const { claims, services } = run;
  const { config, states } = services;
  if (claims.partSize !== null) {
    // The process that assembled the parts may be inspecting the object. A large file should not be inspected twice.
    const leftMs = remainingLeaseMs(await states.read(claims.uploadId), config.now());
    if (leftMs > 0) return completingResult(claims, leftMs);
  }
  const staged = await readStagedObject(config.storage, stagingKeyOf(config, claims.uploadId), claims.size);
  if (!staged) return continueWithoutObject(run);
  const sized: SizedClaims = { ...claims, size: claims.size ?? staged.info.size };
  const content = await verifyUpload(run, sized, staged, null).catch(async (error) => {
    if (isCallbackFailure(error)) await states.recordInspectFailure(claims, describe(error.cause));
    throw error;
  });
  if (content.kind === 'refused') return recordRejection(run, sized, content.refusal);
  return withLease(run, sized.size, (lease) => storeFile(run, lease, sized, staged, content));
}

/** Completes an upload in parts. They are assembled under the lease, because only one process may assemble them. */
async function completeParts(run: CompletionRun, listed: readonly PartInfo[]): Promise<AttemptResult> {
  let checked: CheckedParts;
  try {
    checked = checkParts(run.route, run.claims, listed, run.report);
  } catch (error) {
    if (!isChecksumMismatch(error)) throw error;
    return recordRejection(run, run.claims, error);
  }
  return withLease(run, checked.size, (lease) => completeCheckedParts(run, lease, checked));
}

async function completeCheckedParts(run: CompletionRun, lease: Lease, checked: CheckedParts): Promise<AttemptResult> {
  const { claims, services } = run;
  const { config } = services;
  const isAssembled = await assembleParts(run, lease, checked);
  if (!isAssembled) return retry;
  const staged = await readStagedObject(config.storage, stagingKeyOf(config, claims.uploadId), claims.size);
  if (!staged) return retry;
  const sized: SizedClaims = { ...claims, size: claims.size ?? staged.info.size };
  const verify = () => verifyUpload(run, sized, staged, checked.checksum);
  // Verification may take longer than a lease, because `inspect` may read all of a large file.
  const content = await lease.keepDuring(verify).catch(async (error) => {
    if (isCallbackFailure(error)) await lease.failCallback(describe(error.cause));
    throw error;
  });
  if (content.kind === 'refused') {
    if (!(await lease.reject(content.refusal))) return retry;
    // An earlier attempt may have made the copy before this refusal.
    if (lease.takenOver) await withdrawCopy(config, claims);
    return rejectUpload(run, sized, content.refusal);
  }
  if (!(await lease.renew())) return retry;
  return storeFile(run, lease, sized, staged, content);
}

/** Completes an upload that shares the stored file of another upload of its owner. Its bytes were verified then. */
function completeShared(run: CompletionRun): Promise<AttemptResult> {
  const { claims, services, route } = run;
  return withLease(run, 0, async (lease) => {
    const info = await services.config.storage.head(claims.key);
    const stored = splitCharset(info?.contentType ?? claims.contentType);
    const sized: SizedClaims = { ...claims, ...stored, size: claims.size ?? 0 };
    const refusal =
      info?.size === sized.size
        ? checkLimits(route.limits, sized)
        : uploadExpired('The stored file that this upload was to share is gone.');
    if (refusal) return (await lease.reject(refusal)) ? rejectUpload(run, claims, refusal) : retry;
    return finishUpload(run, lease, sized, { checksum: claims.checksum, etag: info?.etag ?? '' });
  });
}
