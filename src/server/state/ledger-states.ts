/**
 * With a ledger its rows say how uploads stand. A fence is a number, and leases are compared by the database's clock.
 */
import { uploadNotFound } from '../shared/errors.ts';
import { callbackRetryDelayMs } from './callback-retry-delay.ts';
import type { Claims } from './claims.ts';
import type { ChooseEffects } from './end-effects.ts';
import { leaseMs } from './lease-time.ts';
import type { Ending, Ledger, UploadRecord } from './ledger.ts';
import { quotaExceeded } from './quota-exceeded.ts';
import { restoreGrant } from './restore-grant.ts';
import type { EndedUpload, NextState, RecordedState, RecordedUpload, UploadStates } from './upload-states.ts';

export interface LedgerStatesOptions {
  ledger: Ledger;
  /** Records an upload that this ledger has never seen: granted before there was one, or after its last backup. */
  recordUnknownUpload: (claims: Claims) => Promise<void>;
  effects: ChooseEffects;
  /** The clock of this process. `leaseUntil` is converted from and to it. */
  now: () => number;
}

type TakenLease = { kind: 'taken'; fence: number } | { kind: 'held'; held: UploadRecord };

export function createLedgerStates(options: LedgerStatesOptions): UploadStates {
  const { ledger, effects, now } = options;
  /** A state without a lease needs one for as long as it takes to write it. */
  const leaseMsOf = (next: NextState) =>
    next.state === 'completing' ? Math.max(0, next.leaseUntil - now()) : leaseMs(0);

  return {
    async read(uploadId) {
      const record = await ledger.find(uploadId);
      return record && record.state !== 'granted' ? recordedUpload(record, now()) : null;
    },

    async recordFirstState(claims, next) {
      if (next.state === 'aborted') {
        const held = await abort(options, claims);
        return held
          ? { kind: 'held', held: recordedUpload(held, now()) }
          : { kind: 'recorded', fence: '', takenOver: false };
      }
      const taken = await takeLease(options, claims, leaseMsOf(next));
      if (taken.kind === 'held') return { kind: 'held', held: recordedUpload(taken.held, now()) };
      if (next.state === 'rejected') await end(options, claims, taken.fence, next);
      return { kind: 'recorded', fence: String(taken.fence), takenOver: taken.fence > 1 };
    },

    async replaceState(claims, next, before) {
      const fence = await ledger.renewLease(claims.uploadId, Number(before), leaseMsOf(next));
      if (fence === null) return null;
      if (next.state !== 'completing' && !(await end(options, claims, fence, next))) return null;
      return String(fence);
    },

    releaseLease: ({ uploadId }, fence) => ledger.releaseLease(uploadId, Number(fence)).catch(() => {}),

    async recordCallbackStart({ uploadId, size }, before) {
      const fence = await ledger.recordCallbackStart(uploadId, Number(before), leaseMs(size));
      return fence === null ? null : String(fence);
    },

    async recordCallbackFailure({ uploadId }, fence, reason) {
      const attempts = (await ledger.find(uploadId))?.callback.attempts ?? 1;
      await ledger.recordCallbackFailure(uploadId, Number(fence), reason, callbackRetryDelayMs(Math.max(1, attempts)));
    },

    async recordInspectFailure(claims, reason) {
      const taken = await takeLease(options, claims, leaseMs(0));
      if (taken.kind === 'held') return;
      await ledger.recordCallbackFailure(claims.uploadId, taken.fence, reason, callbackRetryDelayMs(taken.fence));
    },

    recordCompletion: (claims, result, fence) => end(options, claims, Number(fence), { state: 'completed', ...result }),

    async recordDeletion(uploadId) {
      await ledger.delete({ uploadId });
    },

    async recordReplacement({ key, ownerId }) {
      const replaced: EndedUpload[] = [];
      for (;;) {
        const deleted = await ledger.delete({ key }, (record) =>
          effects.ofDeletion(record, { reason: 'replaced', actor: ownerId }),
        );
        if (!deleted) return replaced;
        replaced.push(deleted.record);
      }
    },

    async recordReplacedBy({ uploadId }) {
      await ledger.delete({ uploadId }, (record) => effects.ofDeletion(record, { reason: 'replaced', actor: null }));
    },

    // The row has all that a receipt has.
    async saveReceipt() {},
    async findGrant(uploadId) {
      const record = await ledger.find(uploadId);
      return record && restoreGrant(record);
    },
    async deleteReceipt() {},
  };
}

async function takeLease(options: LedgerStatesOptions, claims: Claims, forMs: number): Promise<TakenLease> {
  const { ledger, recordUnknownUpload } = options;
  const { uploadId } = claims;
  for (let round = 0; ; round += 1) {
    const leased = await ledger.takeLease(uploadId, forMs);
    if (leased && 'fence' in leased && leased.refusal) {
      const error = quotaExceeded(leased.refusal).toJSON();
      await end(options, claims, leased.fence, { state: 'rejected', error });
      return { kind: 'held', held: { ...leased.record, state: 'rejected', error } };
    }
    if (leased && 'fence' in leased) return { kind: 'taken', fence: leased.fence };
    // An upload that expired between two reads may still be completed by a process that has its bytes.
    if (leased && (leased.held.state !== 'expired' || round === 1)) return { kind: 'held', held: leased.held };
    if (!leased && round === 1) throw uploadNotFound();
    if (!leased) await recordUnknownUpload(claims);
  }
}

function end(
  { ledger, effects }: LedgerStatesOptions,
  claims: Claims,
  fence: number,
  ending: Ending,
): Promise<boolean> {
  return ledger.end(claims.uploadId, fence, { ...ending, ...effects.ofEnding(claims, ending) });
}

/** Returns null when the upload is aborted now, else its record. */
async function abort(options: LedgerStatesOptions, claims: Claims): Promise<UploadRecord | null> {
  const { ledger, recordUnknownUpload } = options;
  const { uploadId } = claims;
  if (await ledger.abort(uploadId)) return null;
  let record = await ledger.find(uploadId);
  if (!record) {
    await recordUnknownUpload(claims);
    if (await ledger.abort(uploadId)) return null;
    record = await ledger.find(uploadId);
  }
  if (!record) throw uploadNotFound();
  return record;
}

function recordedUpload(record: UploadRecord, now: number): RecordedUpload {
  return { current: recordedState(record, now), fence: String(record.fence) };
}

function recordedState(record: UploadRecord, now: number): RecordedState {
  const { state, file, data, error } = record;
  switch (state) {
    case 'completed':
      if (file) return { state, file, data };
      break;
    case 'rejected':
      if (error) return { state, error };
      break;
    case 'granted':
    case 'completing':
      return { state: 'completing', leaseUntil: now + record.leaseLeftMs };
    default:
      return { state };
  }
  throw new Error(`The ledger has a ${state} upload without its result.`);
}
