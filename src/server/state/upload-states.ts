/**
 * How uploads stand, as one interface. Without a ledger the record is two small objects in the storage
 * (`storage-states.ts`); with a ledger it is a row (`ledger-states.ts`).
 */
import type { StoredFile, WireError } from '../../protocol/index.ts';
import type { Claims, OpenedGrant, SizedClaims } from './claims.ts';

export type EndedState =
  | { state: 'completed'; file: StoredFile; data: unknown }
  | { state: 'rejected'; error: WireError }
  | { state: 'aborted' }
  /** The sweep of a ledger has ended the upload. A completion that finds the staged object nevertheless continues. */
  | { state: 'expired' }
  | { state: 'deleted' };

/** Until `leaseUntil` (milliseconds since the epoch) only one process may complete the upload; then any process may. */
export type CompletingState = { state: 'completing'; leaseUntil: number };

/**
 * The names are those of `UploadState`. A `granted` upload has no record in the storage, and a ledger does not return
 * it.
 */
export type RecordedState = CompletingState | EndedState;

/** The states that a completion or an abort may record by itself. */
export type NextState = CompletingState | Extract<EndedState, { state: 'rejected' | 'aborted' }>;

export interface RecordedUpload {
  current: RecordedState;
  /** Grows or changes with every write: a process that holds an older one can no longer write. */
  fence: string;
}

/** Names an upload whose callback may have to run. */
export type EndedUpload = Pick<Claims, 'uploadId' | 'route'>;

export type FirstStateResult =
  /** The state is recorded. `takenOver`: another process held the upload before and did not end it. */
  | { kind: 'recorded'; fence: string; takenOver: boolean }
  /** Another process recorded a state first. */
  | { kind: 'held'; held: RecordedUpload };

export interface UploadStates {
  /** Null while the upload is `granted`, and for an unknown upload. */
  read(uploadId: string): Promise<RecordedUpload | null>;
  /** Records the first state of an upload. */
  recordFirstState(claims: Claims, next: NextState): Promise<FirstStateResult>;
  /** Records another state. Returns the new fence, or null when the state has changed since `fence`. */
  replaceState(claims: Claims, next: NextState, fence: string): Promise<string | null>;
  /** Ends the lease without an end of the upload: any process may go on at once. Never throws. */
  releaseLease(claims: Claims, fence: string): Promise<void>;
  /** Records that `onComplete` is about to run. Returns the new fence, or null when the lease is lost. */
  recordCallbackStart(claims: SizedClaims, fence: string): Promise<string | null>;
  /** Releases the lease, and schedules the next attempt of the sweep. */
  recordCallbackFailure(claims: Claims, fence: string, reason: string): Promise<void>;
  /** Records that `inspect` threw while no lease was held, and schedules the next attempt of the sweep. */
  recordInspectFailure(claims: Claims, reason: string): Promise<void>;
  /** Returns false when the lease is lost: then the result of the other process counts. */
  recordCompletion(claims: SizedClaims, result: { file: StoredFile; data: unknown }, fence: string): Promise<boolean>;
  /** Writes the `deleted` state unconditionally. */
  recordDeletion(uploadId: string): Promise<void>;
  /** Records that this upload's file has replaced the files of earlier uploads at its key. Returns those uploads. */
  recordReplacement(claims: Claims): Promise<EndedUpload[]>;
  /** Records that the file of a later upload has replaced the file of this one. */
  recordReplacedBy(claims: Claims): Promise<void>;

  /** Keeps the receipt of an upload in parts, whose metadata S3 does not return before the upload is complete. */
  saveReceipt(uploadId: string, receipt: string): Promise<void>;
  /** What was granted for an upload in parts, or null when that is not known. */
  findGrant(uploadId: string): Promise<OpenedGrant | null>;
  deleteReceipt(uploadId: string): Promise<void>;
}

/** Milliseconds for which another process may still complete the upload. */
export function remainingLeaseMs(recorded: RecordedUpload | null, now: number): number {
  return recorded?.current.state === 'completing' ? recorded.current.leaseUntil - now : 0;
}
