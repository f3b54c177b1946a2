/**
 * One idempotent way from "it was sent" to "it is a file", for the client's call, a storage event and the sweep alike:
 * look -> verify -> claim -> copy -> callback -> record, then delete what was staged (DESIGN section 7, 3). Stopping
 * anywhere leaves a state from which the next call goes on.
 *
 * Longer than most: the steps are one sequence, and what matters is what may come after what.
 */
import { checkLimits, isWaybillError, type StoredFile, WaybillError } from '../../protocol/index.ts';
import { notFound } from '../authorize.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { eventFacts } from '../events.ts';
import { splitCharset } from '../shared/charset.ts';
import { describe } from '../shared/describe.ts';
import { uploadExpired } from '../shared/errors.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims, OpenedGrant, Settled } from '../state/claims.ts';
import { leaseMs } from '../state/lease-time.ts';
import type { Claim, HeldMarker } from '../state/storage-state.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { type Assembled, assemble, noParts } from './assemble-parts.ts';
import { toJsonData } from './callback-data.ts';
import type { Said } from './check-parts.ts';
import { guardsCopies } from './key-locks.ts';
import { claimUpload, completing, createLeaseKeeper, discard, isLease, type Lease, outcomeOf } from './lease.ts';
import { checksumOf, promote, withdraw } from './promote.ts';
import type { StagedCleanup } from './staged-cleanup.ts';
import { lookAtStaged } from './staged-object.ts';
import { closeStaging, leavesSeal } from './staging.ts';
import type { CallbackResult, Completed, CompleteUpload, Completing, CompletionDependencies } from './types.ts';
import { callbackFailed, judge, type Verdict } from './verify-content.ts';
import { factsOf } from './verify-staged.ts';

export function createCompletion(given: Omit<CompletionDependencies, 'returned'>): {
  complete: CompleteUpload;
  /** Waits for the completion that this process is at, if any. */
  settled: (uploadId: string) => Promise<void>;
  /** Waits for all of them. */
  idle: () => Promise<void>;
} {
  const dependencies: CompletionDependencies = { ...given, returned: new Map() };
  const inFlight = new Map<string, Promise<Completed | Completing>>();
  return {
    complete(opened, said = {}, cleanup = undefined) {
      const { uploadId } = opened.claims;
      // Fifty calls at once are one completion, and all get its result.
      const running = inFlight.get(uploadId);
      if (running) return running;
      const promise = completeOne(dependencies, opened, said, cleanup).finally(() => inFlight.delete(uploadId));
      inFlight.set(uploadId, promise);
      return promise;
    },
    async idle() {
      while (inFlight.size > 0) await Promise.allSettled([...inFlight.values()]);
    },
    async settled(uploadId) {
      await inFlight.get(uploadId)?.catch(() => {});
    },
  };
}

async function completeOne(
  dependencies: CompletionDependencies,
  opened: OpenedGrant,
  said: Said,
  cleanup: StagedCleanup | undefined,
): Promise<Completed | Completing> {
  const { claims } = opened;
  const { config } = dependencies;
  const route = config.routes.get(claims.route);
  if (!route) throw notFound();
  const run: Run = { dependencies, route, opened, said, cleanup, startedAt: config.now() };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const outcome = await advance(run);
    if (outcome) return outcome;
  }
  throw new WaybillError('object_not_ready', 'The file is not ready yet. Try again.', {
    details: { hint: 'The object at the storage changed while it was verified.' },
  });
}

/** One completion under way. */
interface Run {
  dependencies: CompletionDependencies;
  route: ResolvedRoute;
  opened: OpenedGrant;
  said: Said;
  cleanup: StagedCleanup | undefined;
  startedAt: number;
}

/** One pass; null when the world moved meanwhile and another pass is due. */
async function advance(run: Run): Promise<Completed | Completing | null> {
  const { dependencies, route, opened, said } = run;
  const { config, markers } = dependencies;
  const { claims } = opened;
  const { storage, now } = config;
  if (claims.shared) return completeShared(run);
  const assembled = await assemble(dependencies, route, opened, said, (refusal) => reject(run, claims, refusal));
  if (assembled === null || (assembled !== noParts && !('lease' in assembled))) return assembled;
  const parts = assembled === noParts ? null : assembled;
  if (!parts && claims.partSize !== null) {
    // Whoever put the parts together may be inspecting them: once is enough for a large file.
    const left = leftOf(await markers.read(claims.uploadId), now());
    if (left > 0) return completing(claims, left);
  }
  const staged = await lookAtStaged(storage, stagingKeyOf(config, claims.uploadId), claims.size).catch(
    async (error) => {
      if (parts) await markers.release(claims, parts.lease.version);
      throw error;
    },
  );
  if (!staged) {
    if (parts) await markers.release(claims, parts.lease.version);
    return parts ? null : withoutObject(run);
  }
  const settled: Settled = { ...claims, size: claims.size ?? staged.info.size };
  const judging = () => judge(run, settled, staged, parts?.checksum ?? null);
  // `inspect` may read all of a large file.
  const verdict = parts
    ? await judgeUnderLease(run, settled, parts.lease, judging)
    : await judging().catch(async (error) => {
        if (isCallbackFailure(error)) await markers.inspectFailed(claims, describe(error.cause));
        throw error;
      });
  const wanted: Claim =
    'refusal' in verdict
      ? { state: 'rejected', error: verdict.refusal.toJSON() }
      : { state: 'promoting', leaseUntil: now() + leaseMs(settled.size) };
  const lease = await leaseFor(run, wanted, parts);
  if (!lease || !isLease(lease)) return lease;
  if ('refusal' in verdict) {
    // An earlier try may have come as far as the copy before this refusal.
    if (lease.takenOver) await withdraw(config, claims);
    return reject(run, settled, verdict.refusal);
  }
  settled.contentType = verdict.contentType;
  settled.charset = verdict.charset;

  let copy: { etag: string } | null | typeof keyIsTaken;
  try {
    copy = await withKey(run, settled, async () => {
      const copied = await promote(storage, route, settled, staged.info, {
        copyMaxBytes: config.copyMaxBytes,
        checksum: verdict.checksum,
        takenOver: lease.takenOver,
        keepLease: createLeaseKeeper(dependencies, settled, lease).keep,
      });
      if (copied && route.definition.replace) await dependencies.records.replaced(claims);
      return copied;
    });
  } catch (error) {
    if (isWaybillError(error) && error.code === 'upload_conflict') {
      await markers.replace(claims, { state: 'rejected', error: error.toJSON() }, lease.version);
      return reject(run, settled, error);
    }
    await markers.release(claims, lease.version);
    throw error;
  }
  if (!copy || copy === keyIsTaken) {
    await markers.release(claims, lease.version);
    return copy === keyIsTaken ? completing(claims, 1000) : null;
  }
  const file: StoredFile = {
    ...factsOf(settled),
    checksum: verdict.checksum,
    etag: copy.etag,
    url: dependencies.viewUrl(settled),
    storedAt: new Date(now()).toISOString(),
  };
  return finish(run, settled, file, lease);
}

const keyIsTaken = 'key is taken';

/**
 * Alone at the final key: where another upload may want the same and the storage does not guard it, and where what is
 * replaced has to be recorded in the order of the copies.
 */
async function withKey<T>(
  { dependencies, route }: Run,
  claims: Settled,
  work: () => Promise<T>,
): Promise<T | typeof keyIsTaken> {
  const { storage, ledger } = dependencies.config;
  const { key, replace } = route.definition;
  const needed = key !== undefined && (replace ? ledger !== undefined : !guardsCopies(storage.capabilities));
  if (!needed) return work();
  const held = await dependencies.keyLocks.during(claims, 2 * leaseMs(claims.size), async () => ({
    result: await work(),
  }));
  return held === null ? keyIsTaken : held.result;
}

async function judgeUnderLease(
  { dependencies }: Run,
  claims: Settled,
  lease: Lease,
  judging: () => Promise<Verdict>,
): Promise<Verdict> {
  try {
    return await createLeaseKeeper(dependencies, claims, lease).during(judging);
  } catch (error) {
    const { markers } = dependencies;
    if (isCallbackFailure(error)) await markers.callbackFailed(claims, lease.version, describe(error.cause));
    else await markers.release(claims, lease.version);
    throw error;
  }
}

function isCallbackFailure(error: unknown): error is WaybillError {
  return isWaybillError(error) && error.code === 'callback_failed';
}

/** Another upload of the same owner brought the bytes, and they were verified then. */
async function completeShared(run: Run): Promise<Completed | Completing | null> {
  const { dependencies, opened } = run;
  const { config, viewUrl } = dependencies;
  const { claims } = opened;
  const leaseUntil = config.now() + leaseMs(0);
  const lease = await claimUpload(dependencies, opened, { state: 'promoting', leaseUntil });
  if (!lease || !isLease(lease)) return lease;
  const info = await config.storage.head(claims.key).catch(async (error) => {
    await dependencies.markers.release(claims, lease.version);
    throw error;
  });
  const settled: Settled = {
    ...claims,
    ...splitCharset(info?.contentType ?? claims.contentType),
    size: claims.size ?? 0,
  };
  const refusal =
    info?.size === settled.size
      ? checkLimits(run.route.limits, settled)
      : uploadExpired('The stored file that this upload was to share is gone.');
  if (refusal) {
    await dependencies.markers.replace(claims, { state: 'rejected', error: refusal.toJSON() }, lease.version);
    return reject(run, claims, refusal);
  }
  const file: StoredFile = {
    ...factsOf(settled),
    checksum: claims.checksum,
    etag: info?.etag ?? '',
    url: viewUrl(settled),
    storedAt: new Date(config.now()).toISOString(),
  };
  return finish(run, settled, file, lease);
}

/** Claimed before the parts were put together; claimed now, where all bytes came in one request. */
async function leaseFor(
  { dependencies, opened }: Run,
  wanted: Claim,
  parts: Assembled | null,
): Promise<Lease | Completed | Completing | null> {
  if (!parts) return claimUpload(dependencies, opened, wanted);
  const kept = await dependencies.markers.replace(opened.claims, wanted, parts.lease.version);
  const leaseUntil = wanted.state === 'promoting' ? wanted.leaseUntil : 0;
  return kept && { ...parts.lease, version: kept.version, leaseUntil };
}

/**
 * onComplete, then the record of what it gave, then the staged object goes: in this order nothing is lost. Null when
 * somebody else has the upload by now.
 */
async function finish(run: Run, claims: Settled, file: StoredFile, lease: Lease): Promise<Completed | null> {
  const { dependencies, cleanup, startedAt } = run;
  const { config, markers, sidecars, emit } = dependencies;
  const { uploadId } = claims;
  const called = await callBack(run, claims, file, lease);
  if (!called) return null;
  const { data } = called;
  const staged = claims.shared ? null : stagingKeyOf(config, uploadId);
  // Many objects are deleted in one call; each that is left empty is a call of its own.
  const isBatched = cleanup !== undefined && !leavesSeal(config, claims);
  // At once: should the record fail after the delete, the copy at its key still tells whose it is. What cannot be
  // deleted is garbage that the lifecycle rule collects, and no reason to fail.
  const [recorded] = await Promise.allSettled([
    markers.completed(claims, { file, data }, lease.version),
    isBatched || staged === null ? undefined : closeStaging(config, claims),
    claims.partSize === null ? undefined : sidecars.delete(uploadId),
  ]);
  if (recorded.status === 'rejected') throw recorded.reason;
  dependencies.returned.delete(uploadId);
  if (staged !== null && isBatched) await cleanup?.take(staged);
  if (!recorded.value) return null;
  if (run.route.definition.replace && config.ledger) {
    // A later upload may have replaced it between the copy and the record.
    const there = await config.storage.head(claims.key);
    if (there?.metadata[uploadIdHeader] !== uploadId) await dependencies.records.replacedBefore(claims);
  }
  emit?.('upload.completed', { ...eventFacts(claims), key: claims.key, durationMs: config.now() - startedAt });
  return { uploadId, file, data };
}

/** The most results that are kept; each waits only for a record that could not be written. */
const maxReturned = 10_000;

/**
 * Keeps what the callback returned until it is on record: when the ledger or the storage cannot write it now, the next
 * attempt of this process writes it and does not run the callback a second time.
 */
function rememberResult(returned: Map<string, CallbackResult>, uploadId: string, result: CallbackResult): void {
  if (returned.size >= maxReturned) returned.delete(returned.keys().next().value as string);
  returned.set(uploadId, result);
}

/** Runs `onComplete`, at most once for each upload that it returned for. Null when another process has the upload by now. */
async function callBack(
  { dependencies, route }: Run,
  claims: Settled,
  file: StoredFile,
  lease: Lease,
): Promise<CallbackResult | null> {
  const { markers, returned, emit } = dependencies;
  const { ownerId, uploadId, metadata } = claims;
  const { definition } = route;
  if (!definition.onComplete) return { data: null };
  const before = returned.get(uploadId);
  if (before) return before;
  const held = await markers.calling(claims, lease.version);
  if (!held) return null;
  lease.version = held.version;
  let result: unknown;
  try {
    // It may take longer than a lease: whoever still works keeps the upload.
    result = await createLeaseKeeper(dependencies, claims, lease).during(async () =>
      definition.onComplete?.({ file: { ...file }, ownerId, uploadId, metadata }),
    );
  } catch (error) {
    const failure = callbackFailed(dependencies, claims, 'onComplete', error);
    await markers.callbackFailed(claims, lease.version, describe(error));
    throw failure;
  }
  // As JSON, so that the first answer and every later one from the record are the same.
  const { data, problem } = toJsonData(result);
  if (problem !== undefined) emit?.('callback.data_dropped', { ...eventFacts(claims), reason: describe(problem) });
  rememberResult(returned, uploadId, { data });
  return { data };
}

async function reject({ dependencies, opened, startedAt }: Run, claims: Claims, refusal: WaybillError): Promise<never> {
  const { config, emit } = dependencies;
  await discard(dependencies, opened);
  emit?.('upload.rejected', { ...eventFacts(claims), code: refusal.code, durationMs: config.now() - startedAt });
  throw refusal;
}

/** Nothing is staged: it was completed before, or refused, or it never came. */
async function withoutObject(run: Run): Promise<Completed | Completing | null> {
  const { config, markers } = run.dependencies;
  const { claims } = run.opened;
  const held = await markers.read(claims.uploadId);
  if (!held) throw neverCame(config, claims);
  if (held.marker.state !== 'promoting') {
    // Whoever decided so may have died before it gave the reservation back.
    const { state } = held.marker;
    if (config.ledger && (state === 'rejected' || state === 'aborted')) await discard(run.dependencies, run.opened);
    return outcomeOf(claims, held.marker);
  }
  const left = leftOf(held, config.now());
  if (left > 0) return completing(claims, left);
  return afterCrash(run, held);
}

/** Milliseconds for which another process is at it. */
function leftOf(held: HeldMarker | null, now: number): number {
  return held?.marker.state === 'promoting' ? held.marker.leaseUntil - now : 0;
}

function neverCame(config: Config, claims: Claims): WaybillError {
  if (claims.partSize !== null) return uploadExpired('The storage has dropped the parts of this upload.');
  // Expiry stops signing, never completion: only where nothing arrived does it matter (DESIGN section 7, 4).
  if (config.now() >= claims.expiresAt * 1000)
    return uploadExpired('The permission has expired, and nothing was sent.');
  return new WaybillError('object_not_ready', 'The file has not arrived yet. Try again.', {
    details: { hint: 'The storage has no object at the staging key.' },
  });
}

/** Someone copied and deleted, and never wrote the result down: go on from the copy. */
async function afterCrash(run: Run, held: HeldMarker): Promise<Completed | null> {
  const { config, markers, viewUrl } = run.dependencies;
  const { claims } = run.opened;
  const copy = await config.storage.head(claims.key);
  if (copy?.metadata[uploadIdHeader] !== claims.uploadId) throw neverCame(config, claims);
  // The copy has the type that was verified.
  const settled: Settled = { ...claims, ...splitCharset(copy.contentType), size: copy.size };
  const leaseUntil = config.now() + leaseMs(settled.size);
  const taken = await markers.replace(claims, { state: 'promoting', leaseUntil }, held.version);
  if (!taken) return null;
  const lease: Lease = { version: taken.version, leaseUntil, takenOver: true };
  const file: StoredFile = {
    ...factsOf(settled),
    checksum: claims.checksum ?? checksumOf(copy),
    etag: copy.etag,
    url: viewUrl(settled),
    storedAt: new Date(config.now()).toISOString(),
  };
  return finish(run, settled, file, lease);
}
