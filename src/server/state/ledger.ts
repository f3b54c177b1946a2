/**
 * The durable record of uploads, as the server needs it. `src/ledger` implements it on SQLite, Postgres, MySQL and
 * MariaDB. Every method is one transaction. Times that are compared (leases, expiry, retries) are the database's own,
 * so that replicas whose clocks differ agree; all are milliseconds since the epoch.
 *
 * Longer than 300 lines because it is one interface, whose parts share the types of uploads.
 */
import type { Checksum, StoredFile, Transfer, WireError } from '../../protocol/index.ts';
import type { FileFilter, FileLedger } from './file-ledger.ts';

export type UploadState = 'granted' | 'completing' | 'completed' | 'rejected' | 'expired' | 'aborted' | 'deleted';

/**
 * The states that may follow each state; any other change is `upload_conflict`. `expired -> completing` is allowed,
 * because the expiry of a grant stops signing but never a completion. `completing -> aborted | expired` is allowed only
 * after the lease has expired.
 */
export const stateTransitions: Readonly<Record<UploadState, readonly UploadState[]>> = {
  granted: ['completing', 'expired', 'aborted'],
  completing: ['completed', 'rejected', 'expired', 'aborted'],
  completed: ['deleted'],
  rejected: [],
  expired: ['completing', 'aborted'],
  aborted: [],
  deleted: [],
};

export function mayFollow(from: UploadState, to: UploadState): boolean {
  return stateTransitions[from].includes(to);
}

/** What one owner may store: of one route (`route({quota})`) or in all (`createUploads({quota})`). */
export interface Quota {
  /** Stored and pending together, in bytes. @default no limit @example 10 * GiB */
  maxBytes?: number;
  /** Stored and pending together. @default no limit @example 10_000 */
  maxFiles?: number;
  /**
   * Granted and not yet ended, in bytes. A stream counts with the route's `maxBytes` until it ends. @default no limit
   * @example 1 * GiB
   */
  maxPendingBytes?: number;
}

export interface Usage {
  storedBytes: number;
  storedFiles: number;
  pendingBytes: number;
  pendingFiles: number;
}

export interface OwnerUsage extends Usage {
  ownerId: string;
  routes: Record<string, Usage>;
}

/** An upload at the time of its grant. */
export interface NewUpload {
  uploadId: string;
  route: string;
  ownerId: string;
  key: string;
  fileName: string;
  contentType: string;
  /** Bytes; null for a stream. */
  size: number | null;
  /** Null where all bytes go in one request. */
  partSize: number | null;
  transfer: Transfer;
  checksum: Checksum | null;
  metadata: unknown;
  /** What is reserved: the size, or for a stream the route's `maxBytes`. */
  reservedBytes: number;
  /** Signing stops after this long. */
  expiresInMs: number;
  /** How long after its expiry the upload is given up, and its reservation with it, unless its client renews it. */
  abandonAfterMs: number;
  /** The quota of the owner over all routes, and the one of this route. */
  quotas: { owner: Quota | null; route: Quota | null };
  /** Chosen by the client, see `FileDeclaration`. */
  idempotencyKey?: string | undefined;
  /** Set for the copy of a stored file: the audit trail then has `copied` in the place of `granted`. */
  copy?: { from: { uploadId: string; ownerId: string }; actor: string | null };
}

/** The rule of a quota that a grant would break. */
export interface QuotaRefusal {
  quota: 'owner' | 'route';
  rule: keyof Quota;
  limit: number;
  used: number;
}

/**
 * The result of a grant: null when it is recorded, the broken rule of a quota, or the `granted`, `completing` or
 * `completed` upload that the same owner has on the same route under the same idempotency key.
 */
export type GrantOutcome = QuotaRefusal | { existing: string } | null;

/** The row of one upload. */
export interface UploadRecord {
  uploadId: string;
  route: string;
  ownerId: string;
  key: string;
  fileName: string;
  contentType: string;
  size: number | null;
  partSize: number | null;
  transfer: Transfer;
  /** The declared checksum; of a completed upload the verified one. */
  checksum: (Checksum & { parts?: number }) | null;
  metadata: unknown;
  state: UploadState;
  /** Grows with every lease. A process that writes with an older fence has lost the upload, and writes nothing. */
  fence: number;
  /** Milliseconds of the lease that are left, by the database's clock; 0 without a lease. */
  leaseLeftMs: number;
  multipartId: string | null;
  reservedBytes: number;
  /**
   * Whether `reservedBytes` count as pending: until the upload is stored, or has ended and `freeReservation` was
   * called.
   */
  isReserved: boolean;
  createdAt: number;
  expiresAt: number;
  /** When the upload is given up. It may be in the past. */
  abandonAt: number;
  endedAt: number | null;
  /** The result of the completion. */
  file: StoredFile | null;
  data: unknown;
  /** Why it was rejected. */
  error: WireError | null;
  callback: CallbackRecord;
  /** A callback that runs because the upload has ended; null when none has to run. `callback` says how it stands. */
  pendingCallback: PendingCallback | null;
}

/** Why a stored file was deleted. */
export interface Deletion {
  /**
   * `request`: a client asked for it. `server`: the app called `uploads.deleteFile()`. `replaced`: a later upload
   * stored its file at the same key, on a route with `replace`.
   */
  reason: 'request' | 'server' | 'replaced';
  /**
   * Who deleted it: the owner who sent the request or the later upload, or what the app passed to
   * `uploads.deleteFile()`. Null when that is not known, as where `authorizeDelete` decided.
   */
  actor: string | null;
}

/** A callback of the app that is to run because an upload has ended. */
export type PendingCallback = { name: 'onReject' } | { name: 'onExpire' } | ({ name: 'onDelete' } & Deletion);

export interface CallbackRecord {
  /** How often the callback has begun. */
  attempts: number;
  /**
   * How often the callback had begun when its process, its lease or its database was lost. Each of these may run twice.
   */
  interruptions: number;
  /** The last failure, redacted. */
  lastError: string | null;
  /** When the sweep runs the callback again; null when it does not. */
  retryAt: number | null;
  /** When the sweep stopped trying. The upload then waits for an operator or its client. */
  parkedAt: number | null;
}

/** What is recorded in one transaction with the end of an upload or the deletion of its file. */
export interface EndEffects {
  /** Messages for the outbox. One that is there already is left as it is. */
  webhooks?: readonly NewWebhook[];
  /** A callback that has to run. It replaces the one of an earlier end. */
  callback?: PendingCallback;
  /** Who deleted the file and why, for the audit trail. */
  deletion?: Deletion;
}

export type Ending = EndEffects &
  (
    | { state: 'completed'; file: StoredFile; data: unknown }
    | { state: 'rejected'; error: WireError }
    | { state: 'aborted' }
    | { state: 'expired' }
  );

/** A message for the outbox, written together with the end of the upload. */
export interface NewWebhook {
  /** `msg_...`, the idempotency key for the receiver. */
  webhookId: string;
  /** Such as `upload.completed`. */
  type: string;
  /** The body, exactly as it is signed and sent. */
  payload: string;
}

export interface WebhookRecord extends NewWebhook {
  uploadId: string;
  createdAt: number;
  attempts: number;
  /** When the message is sent again; null when it is delivered or parked. */
  nextAt: number | null;
  deliveredAt: number | null;
  parkedAt: number | null;
  lastError: string | null;
}

export interface UploadFilter {
  states?: readonly UploadState[];
  ownerId?: string;
  route?: string;
  /** Only uploads whose callback is parked. */
  parked?: boolean;
  /** Only uploads that were created before this time. */
  createdBefore?: number;
  /** {@link UploadPage.next} of the previous page. */
  after?: string;
  /** @default 50, at most 1,000 */
  limit?: number;
}

export interface UploadPage {
  /** Newest first. */
  uploads: UploadRecord[];
  next: string | null;
}

/** An object or a multipart upload that belongs to no recorded upload. */
export interface Orphan {
  key: string;
  kind: 'object' | 'multipart';
  /** Bytes; null for parts. */
  size: number | null;
  multipartId: string | null;
  /** ISO 8601, as the storage reports it. */
  since: string;
  /** Whether the sweep has removed it. */
  removed: boolean;
}

export interface SweepRecord {
  startedAt: number;
  endedAt: number;
  /** The counts of the report, as JSON. */
  report: unknown;
  /** The orphans of the last sweep that looked for orphans. */
  orphans: Orphan[];
}

export interface Counts {
  /** Uploads by state. */
  states: Record<UploadState, number>;
  parkedCallbacks: number;
  /** Callbacks that failed and will run again. */
  waitingCallbacks: number;
  pendingWebhooks: number;
  parkedWebhooks: number;
  /** Age in milliseconds of the oldest callback that failed or has not begun; 0 without one. */
  callbackLagMs: number;
}

/**
 * The lease of an upload, or the upload that cannot be leased. With a `refusal` the upload had expired, its bytes
 * arrived late, and the quota of its owner has no room for them: it must be rejected.
 */
export type LeaseResult =
  | { fence: number; record: UploadRecord; refusal?: QuotaRefusal }
  | { held: UploadRecord }
  | null;

export interface Ledger extends FileLedger {
  readonly kind: 'sqlite' | 'postgres' | 'mysql';

  /** Records uploads and reserves their quota. Returns one result for each, in order. */
  grant(uploads: readonly NewUpload[]): Promise<GrantOutcome[]>;
  /** Records the `multipartId`. False when the upload has ended. */
  recordMultipart(uploadId: string, multipartId: string): Promise<boolean>;
  /** Moves the times of expiry and of giving up. False when the upload has ended. */
  renewGrant(uploadId: string, expiresInMs: number): Promise<boolean>;
  find(uploadId: string): Promise<UploadRecord | null>;
  /** Leaves unknown uploads out. */
  findMany(uploadIds: readonly string[]): Promise<Map<string, UploadRecord>>;
  /** The owner's completed upload of the same bytes on the same route, whose checksum the storage has verified. */
  findStored(of: { ownerId: string; route: string; sha256: string; size: number }): Promise<UploadRecord | null>;
  /** Those of the keys that a `granted`, `completing` or `completed` upload has. */
  keysInUse(keys: readonly string[]): Promise<Set<string>>;
  /** Whether a stored upload has the object of this key, or an upload that is not complete shares it. */
  isObjectNeeded(key: string): Promise<boolean>;

  /**
   * `granted | expired -> completing`, or takes over a `completing` upload whose lease has expired. `held`: another
   * process has the lease, or the upload has ended. Null when there is no such upload.
   */
  takeLease(uploadId: string, leaseMs: number): Promise<LeaseResult>;
  /**
   * Takes over or keeps a `completing` upload that still has this fence. Returns the new fence, or null when the fence
   * has changed.
   */
  renewLease(uploadId: string, fence: number, leaseMs: number): Promise<number | null>;
  /**
   * Records that the callback is about to run. Returns the new fence, or null when another process has the upload: then
   * the callback must not run.
   */
  recordCallbackStart(uploadId: string, fence: number, leaseMs: number): Promise<number | null>;
  /** Ends the lease, so that another process can go on at once. */
  releaseLease(uploadId: string, fence: number): Promise<void>;
  /** Records that the callback threw, ends the lease, and schedules the next run; null parks the callback. */
  recordCallbackFailure(uploadId: string, fence: number, reason: string, retryInMs: number | null): Promise<void>;
  /**
   * Ends an upload under its lease, and fills the outbox. A completed upload counts as stored from then on. Another end
   * keeps its reservation until {@link Ledger.freeReservation}. False when another process has the upload.
   */
  end(uploadId: string, fence: number, ending: Ending): Promise<boolean>;
  /** `granted | expired -> aborted`; the reservation stays. False in another state. */
  abort(uploadId: string): Promise<boolean>;
  /**
   * `granted -> expired` once the upload may be given up; the reservation stays. False in another state, or when it was
   * renewed.
   */
  expire(uploadId: string, effects?: EndEffects): Promise<boolean>;
  /**
   * Gives back the reservation of an aborted, rejected or expired upload, when its request can store nothing more and
   * the storage has nothing of it. False when it was given back before.
   */
  freeReservation(uploadId: string): Promise<boolean>;
  /**
   * `completed -> deleted` of one upload, or of the oldest upload with this key. Null when there is none. `last`: no
   * other upload has the key, so the object can be deleted.
   *
   * @param effectsOf called in the transaction, with the record before its deletion
   */
  delete(
    of: { uploadId: string } | { key: string },
    effectsOf?: (record: UploadRecord) => EndEffects,
  ): Promise<{ record: UploadRecord; last: boolean } | null>;

  /** Uploads that have ended and whose {@link UploadRecord.pendingCallback} is due. */
  findDueEndCallbacks(limit: number): Promise<UploadRecord[]>;
  /** Takes the due callback of one upload. Null when it has none, or another process has taken it for this long. */
  takeEndCallback(uploadId: string, forMs: number): Promise<UploadRecord | null>;
  /** Moves the time at which another process may take the callback. False when the fence has changed. */
  keepEndCallback(uploadId: string, fence: number, forMs: number): Promise<boolean>;
  /** Records that the callback has returned. Does nothing when the fence has changed. */
  recordEndCallbackReturn(uploadId: string, fence: number): Promise<void>;
  /** Records that the callback threw, and when it runs again; null parks it. */
  recordEndCallbackFailure(uploadId: string, fence: number, reason: string, retryInMs: number | null): Promise<void>;

  usage(ownerId: string): Promise<OwnerUsage>;
  /** Sorted by stored bytes, the most first. */
  usageByOwner(options?: { after?: string; limit?: number }): Promise<{ owners: OwnerUsage[]; next: string | null }>;
  list(filter?: UploadFilter): Promise<UploadPage>;
  /**
   * The completed uploads of one owner, those granted last first.
   *
   * @throws {WaybillError} `invalid_request` for a cursor that no page had
   */
  listFiles(filter: FileFilter): Promise<UploadPage>;
  counts(): Promise<Counts>;

  /**
   * The uploads that the sweep has to work on: granted ones past their time, completing ones without a lease, those
   * whose callback is to run again, and ended ones with a reservation.
   */
  findDue(limit: number): Promise<UploadRecord[]>;
  /** {@link Ledger.findDue} leaves the upload out for this long. */
  postponeSweep(uploadId: string, inMs: number): Promise<void>;
  /** Makes a parked or waiting callback due now. False when it is neither. */
  unpark(uploadId: string): Promise<boolean>;
  recordSweep(sweep: SweepRecord): Promise<void>;
  lastSweep(): Promise<SweepRecord | null>;
  /**
   * Takes or extends a lock, which one holder has until it unlocks it or the time is over. False when another holder
   * has it.
   */
  lock(name: string, holder: string, forMs: number): Promise<boolean>;
  unlock(name: string, holder: string): Promise<void>;

  /** Takes messages that are due. For this long no other process gets them. */
  takeWebhooks(limit: number, forMs: number): Promise<WebhookRecord[]>;
  recordWebhookDelivery(webhookId: string): Promise<void>;
  /** Null parks the message. Changes nothing when another process has delivered or parked it. */
  recordWebhookFailure(webhookId: string, reason: string, retryInMs: number | null): Promise<void>;
  listWebhooks(filter?: { state?: 'pending' | 'delivered' | 'parked'; after?: string; limit?: number }): Promise<{
    webhooks: WebhookRecord[];
    next: string | null;
  }>;
  /** Sends the message again, even if it was delivered or parked. False when there is none. */
  replayWebhook(webhookId: string): Promise<boolean>;

  /** Milliseconds since the epoch by the database's clock. Throws when the database does not answer. For `/readyz`. */
  ping(): Promise<number>;
  /** Deletes the rows of uploads that ended this long ago and have no file. Returns how many. */
  forget(endedBeforeMs: number, limit: number): Promise<number>;
  close(): Promise<void>;
}
