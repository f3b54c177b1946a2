/** One process at a time completes an upload, under a lease. The state that ends an upload is recorded only once. */
import type { WaybillError } from '../../protocol/index.ts';
import { storageError } from '../../s3/internal.ts';
import { unrefTimer } from '../shared/unref-timer.ts';
import type { Claims, SizedClaims } from '../state/claims.ts';
import { leaseMs } from '../state/lease-time.ts';
import type { NextState, RecordedUpload } from '../state/upload-states.ts';
import { discardUpload, rejectUpload } from './discard.ts';
import { withdrawCopy } from './promote.ts';
import { type AttemptResult, type Completed, completingResult, resultFromState, retry } from './result.ts';
import type { CompletionRun } from './run.ts';

export interface Lease {
  /** Whether another process had a lease before, which expired or was released before the upload ended. */
  readonly takenOver: boolean;
  /** Renews the lease when half of its time has passed. @throws {WaybillError} when another process has the upload */
  keep(): Promise<void>;
  /** Keeps the lease for as long as `work` runs. */
  keepDuring<T>(work: () => Promise<T>): Promise<T>;
  /** Renews the lease now. This and the next three methods return false when another process has the upload. */
  renew(): Promise<boolean>;
  startCallback(claims: SizedClaims): Promise<boolean>;
  reject(refusal: WaybillError): Promise<boolean>;
  complete(claims: SizedClaims, result: Pick<Completed, 'file' | 'data'>): Promise<boolean>;
  /** Records that a callback failed, releases the lease, and schedules the next attempt. */
  failCallback(reason: string): Promise<void>;
}

interface OwnRecord {
  kind: 'recorded';
  fence: string;
  takenOver: boolean;
}

const keepEveryMs = 15_000;

/**
 * Takes the lease, runs `work` under it and releases it, unless `work` has recorded the end of the upload.
 *
 * @param recorded the upload as it was read, when its lease is known to have expired
 */
export async function withLease(
  run: CompletionRun,
  size: number,
  work: (lease: Lease) => Promise<AttemptResult>,
  recorded: RecordedUpload | null = null,
): Promise<AttemptResult> {
  const durationMs = leaseMs(size);
  const leaseUntil = run.services.config.now() + durationMs;
  const next: NextState = { state: 'completing', leaseUntil };
  const result = recorded ? await takeOver(run, next, recorded) : await recordState(run, next);
  if (result.kind !== 'recorded') return result;
  const { lease, release } = createLease(run, result, { leaseUntil, durationMs });
  try {
    return await work(lease);
  } finally {
    await release();
  }
}

/** Rejects an upload for which this process holds no lease. */
export async function recordRejection(
  run: CompletionRun,
  claims: Claims,
  refusal: WaybillError,
): Promise<AttemptResult> {
  const result = await recordState(run, { state: 'rejected', error: refusal.toJSON() });
  if (result.kind !== 'recorded') return result;
  // An earlier attempt may have made the copy before this refusal.
  if (result.takenOver) await withdrawCopy(run.services.config, claims);
  return rejectUpload(run, claims, refusal);
}

/** Records the next state, or returns the result of the process that has the upload or has ended it. */
async function recordState(run: CompletionRun, next: NextState): Promise<OwnRecord | AttemptResult> {
  const { services, claims, opened } = run;
  const { states, config } = services;
  const result = await states.recordFirstState(claims, next);
  if (result.kind === 'recorded') return result;
  const { current } = result.held;
  if (current.state !== 'completing') {
    // The bytes were sent again under an unexpired URL. The recorded end stands, and the bytes are deleted (C11).
    await discardUpload(services, opened);
    // The quota may have refused the upload in this call.
    if (current.state === 'rejected') await services.endCallbacks.runSoon(claims);
    return resultFromState(claims, current);
  }
  const leftMs = current.leaseUntil - config.now();
  return leftMs > 0 ? completingResult(claims, leftMs) : takeOver(run, next, result.held);
}

async function takeOver(
  { services, claims }: CompletionRun,
  next: NextState,
  recorded: RecordedUpload,
): Promise<OwnRecord | AttemptResult> {
  const fence = await services.states.replaceState(claims, next, recorded.fence);
  return fence === null ? retry : { kind: 'recorded', fence, takenOver: true };
}

/** The lease as it is now. */
interface LeaseState {
  fence: string;
  leaseUntil: number;
  isHeld: boolean;
}

function createLease(
  run: CompletionRun,
  { fence, takenOver }: OwnRecord,
  { leaseUntil, durationMs }: { leaseUntil: number; durationMs: number },
): { lease: Lease; release: () => Promise<void> } {
  const { claims } = run;
  const { states } = run.services;
  const state: LeaseState = { fence, leaseUntil, isHeld: true };

  const lease: Lease = {
    takenOver,
    ...createRenewal(run, state, durationMs),

    async startCallback(sized) {
      const next = await states.recordCallbackStart(sized, state.fence);
      return takeFence(state, next);
    },

    async reject(refusal) {
      const next = await states.replaceState(claims, { state: 'rejected', error: refusal.toJSON() }, state.fence);
      state.isHeld = false;
      return next !== null;
    },

    async complete(sized, result) {
      const isRecorded = await states.recordCompletion(sized, result, state.fence);
      state.isHeld = false;
      return isRecorded;
    },

    async failCallback(reason) {
      await states.recordCallbackFailure(claims, state.fence, reason);
      state.isHeld = false;
    },
  };
  return {
    lease,
    release: async () => {
      if (state.isHeld) await states.releaseLease(claims, state.fence);
    },
  };
}

function createRenewal(
  { services, claims }: CompletionRun,
  state: LeaseState,
  durationMs: number,
): Pick<Lease, 'keep' | 'keepDuring' | 'renew'> {
  const { states, config } = services;
  // Several parts of a copy may call keep() at the same time. They share one renewal.
  let renewing: Promise<void> | undefined;

  async function renew(): Promise<boolean> {
    const until = config.now() + durationMs;
    const next = await states.replaceState(claims, { state: 'completing', leaseUntil: until }, state.fence);
    if (next !== null) state.leaseUntil = until;
    return takeFence(state, next);
  }

  async function renewOrFail(): Promise<void> {
    if (!(await renew())) throw storageError('storage_unavailable', 'Another process has taken this upload over.');
  }

  async function keep(): Promise<void> {
    if (!renewing && state.leaseUntil - config.now() > durationMs / 2) return;
    renewing ??= renewOrFail().finally(() => {
      renewing = undefined;
    });
    await renewing;
  }

  return {
    keep,
    renew,

    async keepDuring(work) {
      // A failure is ignored here: the next step names its fence, and is refused if the lease was lost.
      const timer = setInterval(() => void keep().catch(() => {}), keepEveryMs);
      unrefTimer(timer);
      try {
        return await work();
      } finally {
        clearInterval(timer);
        await renewing?.catch(() => {});
      }
    },
  };
}

/** Records the next fence. Without one, another process has the upload. Returns whether the lease is still held. */
function takeFence(state: LeaseState, next: string | null): boolean {
  if (next === null) state.isHeld = false;
  else state.fence = next;
  return next !== null;
}
