/**
 * The durable record of uploads, as the server needs it; `src/ledger` has it on SQLite and on Postgres. Every method is one
 * transaction. Times that are compared (leases, expiry, retries) are the database's own, so that replicas whose clocks
 * differ agree; all are milliseconds since the epoch.
 */
import type { Checksum, StoredFile, Transfer, WireError } from '../../protocol/index.ts';

export type UploadState = 'granted' | 'completing' | 'completed' | 'rejected' | 'expired' | 'aborted' | 'deleted';

/**
 * What may follow what; everything else is `upload_conflict`. `expired -> completing`: expiry stops signing, never
 * completion. `completing -> aborted | expired` only once its lease is over.
 */
export const transitions: Readonly<Record<UploadState, readonly UploadState[]>> = {
  granted: ['completing', 'expired', 'aborted'],
  completing: ['completed', 'rejected', 'expired', 'aborted'],
  completed: ['deleted'],
  rejected: [],
  expired: ['completing', 'aborted'],
  aborted: [],
  deleted: [],
};

export function mayFollow(from: UploadState, to: UploadState): boolean {
  return transitions[from].includes(to);
}

/** What one owner may have: of one route (`route({quota})`) or in all (`createUploads({quota})`). */
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

/** An upload as it is when it is granted. */
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
  /** Without a sign of life for this long after expiry it is given up, and its quota with it. */
  abandonAfterMs: number;
  /** The owner's over all routes, and of this route. */
  quotas: { owner: Quota | null; route: Quota | null };
  /** Chosen by the client, see `FileDeclaration`. */
  idempotencyKey?: string | undefined;
}

/** Which rule a grant would break, and by how much. */
export interface QuotaRefusal {
  quota: 'owner' | 'route';
  rule: keyof Quota;
  limit: number;
  used: number;
}

/**
 * What came of a grant: null when it is recorded, the broken rule of a quota, or the live upload (granted, completing,
 * completed) that the same owner has on the same route under the same idempotency key.
 */
export type GrantOutcome = QuotaRefusal | { existing: string } | null;

/** One upload as it is on record. */
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
  /** Declared; once completed, the one that was verified. */
  checksum: (Checksum & { parts?: number }) | null;
  metadata: unknown;
  state: UploadState;
  /** Grows with every change of hands: who writes with an old one has lost the upload. */
  fence: number;
  /** How long somebody still works on it, by the database's clock; 0 when nobody does. */
  leaseLeftMs: number;
  multipartId: string | null;
  reservedBytes: number;
  /** Whether that counts as pending: until the upload is stored, or has ended and `freeReservation` was called. */
  isReserved: boolean;
  createdAt: number;
  expiresAt: number;
  /** When it is given up; may be in the past. */
  abandonAt: number;
  endedAt: number | null;
  /** What completion gave. */
  file: StoredFile | null;
  data: unknown;
  /** Why it was rejected. */
  error: WireError | null;
  callback: CallbackRecord;
}

export interface CallbackRecord {
  /** How often it was begun. */
  attempts: number;
  /** How often it had begun when its process, its lease or its database was lost: those may have run twice. */
  interruptions: number;
  /** Of the last failure, redacted. */
  lastError: string | null;
  /** When the sweep tries again; null when it does not. */
  retryAt: number | null;
  /** Given up by the sweep: waits for an operator or the client. */
  parkedAt: number | null;
}

export type Ending =
  | { state: 'completed'; file: StoredFile; data: unknown; webhooks?: readonly NewWebhook[] }
  | { state: 'rejected'; error: WireError; webhooks?: readonly NewWebhook[] }
  | { state: 'aborted' }
  | { state: 'expired' };

/** A message for the outbox, written with the ending it tells of. */
export interface NewWebhook {
  /** `msg_...`, the idempotency key of its receiver. */
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
  /** When it is tried again; null when it was delivered or parked. */
  nextAt: number | null;
  deliveredAt: number | null;
  parkedAt: number | null;
  lastError: string | null;
}

export interface UploadFilter {
  states?: readonly UploadState[];
  ownerId?: string;
  route?: string;
  /** Only those whose callback is parked. */
  parked?: boolean;
  /** Only those created before. */
  createdBefore?: number;
  /** Of the page before, see {@link UploadPage.next}. */
  after?: string;
  /** @default 50, at most 1,000 */
  limit?: number;
}

export interface UploadPage {
  /** Newest first. */
  uploads: UploadRecord[];
  next: string | null;
}

/** Something at the storage that no upload accounts for. */
export interface Orphan {
  key: string;
  /** An object, or the parts of a multipart upload that nobody will end. */
  kind: 'object' | 'multipart';
  /** Bytes; null for parts. */
  size: number | null;
  multipartId: string | null;
  /** ISO 8601, as the storage tells it. */
  since: string;
  /** Whether the sweep has removed it. */
  removed: boolean;
}

export interface SweepRecord {
  startedAt: number;
  endedAt: number;
  /** The report, JSON. */
  report: unknown;
  /** Of the last sweep that looked for any. */
  orphans: Orphan[];
}

export interface Counts {
  /** Uploads by state. */
  states: Record<UploadState, number>;
  parkedCallbacks: number;
  /** Callbacks that failed and wait for their next try. */
  waitingCallbacks: number;
  pendingWebhooks: number;
  parkedWebhooks: number;
  /** Age in milliseconds of the oldest callback that failed or was never begun; 0 when there is none. */
  callbackLagMs: number;
}

/**
 * A lease on an upload: every later write names its fence. With a `refusal` the upload had expired, its bytes came late, and
 * its owner has no room for them any more: it must be rejected.
 */
export type ClaimedUpload =
  | { fence: number; record: UploadRecord; refusal?: QuotaRefusal }
  | { held: UploadRecord }
  | null;

export interface Ledger {
  readonly kind: 'sqlite' | 'postgres';

  /** Records uploads and reserves their quota. One answer for each, in order. */
  grant(uploads: readonly NewUpload[]): Promise<GrantOutcome[]>;
  /** Notes S3's id once there is one. False when the upload has ended meanwhile. */
  begun(uploadId: string, multipartId: string): Promise<boolean>;
  /** A sign of life: expiry and giving up move on from now. False when the upload has ended. */
  renew(uploadId: string, expiresInMs: number): Promise<boolean>;
  find(uploadId: string): Promise<UploadRecord | null>;
  /** Of those asked for, those there are. */
  findMany(uploadIds: readonly string[]): Promise<Map<string, UploadRecord>>;
  /** The owner's completed upload of the same bytes on the same route, verified by the storage. */
  findStored(of: { ownerId: string; route: string; sha256: string; size: number }): Promise<UploadRecord | null>;
  /** Of these keys, those that a live upload (granted, completing, completed) has. */
  keysInUse(keys: readonly string[]): Promise<Set<string>>;
  /** Whether a stored upload, or one on its way that shares it, has the object of this key. */
  isObjectNeeded(key: string): Promise<boolean>;

  /**
   * `granted | expired -> completing`, or takes over one whose lease is over. `held`: somebody works on it, or it has
   * ended. Null when there is no such upload.
   */
  claim(uploadId: string, leaseMs: number): Promise<ClaimedUpload>;
  /** Takes a `completing` upload over whose fence is still this one, or keeps one's own. Null when it has moved on. */
  retake(uploadId: string, fence: number, leaseMs: number): Promise<number | null>;
  /** Notes that the callback is about to run. Null when somebody else has the upload by now: do not run it. */
  calling(uploadId: string, fence: number, leaseMs: number): Promise<number | null>;
  /** Gives the lease up, so that whoever asks next may go on at once. */
  release(uploadId: string, fence: number): Promise<void>;
  /** The callback threw: gives the lease up, and notes when the sweep tries again, or that it is parked (null). */
  failed(uploadId: string, fence: number, reason: string, retryInMs: number | null): Promise<void>;
  /**
   * Ends what one has a lease on, and fills the outbox. What is completed counts as stored from then on; another end keeps
   * its reservation until {@link Ledger.freeReservation}. False when somebody else has it by now.
   */
  end(uploadId: string, fence: number, ending: Ending): Promise<boolean>;
  /** `granted | expired -> aborted`; its reservation stays. False when it is in another state. */
  abort(uploadId: string): Promise<boolean>;
  /** `granted -> expired`, once it is to be given up; its reservation stays. False in another state, or when it was renewed. */
  expire(uploadId: string): Promise<boolean>;
  /**
   * Gives the reservation of an aborted, rejected or expired upload back: its request can store nothing more, and nothing of
   * it is at the storage. False when it was given back before.
   */
  freeReservation(uploadId: string): Promise<boolean>;
  /**
   * `completed -> deleted` of one upload, or of one upload with this key (the oldest). Null when there is none.
   * `last`: no other live upload has the key, so the object goes.
   */
  delete(of: { uploadId: string } | { key: string }): Promise<{ record: UploadRecord; last: boolean } | null>;

  usage(ownerId: string): Promise<OwnerUsage>;
  /** Owners with the most stored bytes first. */
  usageByOwner(options?: { after?: string; limit?: number }): Promise<{ owners: OwnerUsage[]; next: string | null }>;
  list(filter?: UploadFilter): Promise<UploadPage>;
  counts(): Promise<Counts>;

  /** What the sweep has to look at: granted and over its time, left behind while completing, to be called again, or ended with a reservation. */
  due(limit: number): Promise<UploadRecord[]>;
  /** Looked at: not before then again. */
  lookAgain(uploadId: string, inMs: number): Promise<void>;
  /** A parked or waiting callback is due now. False when it is neither. */
  unpark(uploadId: string): Promise<boolean>;
  recordSweep(sweep: SweepRecord): Promise<void>;
  lastSweep(): Promise<SweepRecord | null>;
  /** One holder at a time, until it lets go or the time is over; the same holder prolongs. */
  lock(name: string, holder: string, forMs: number): Promise<boolean>;
  unlock(name: string, holder: string): Promise<void>;

  /** Takes messages that are due, for this long: nobody else gets them meanwhile. */
  takeWebhooks(limit: number, forMs: number): Promise<WebhookRecord[]>;
  webhookDelivered(webhookId: string): Promise<void>;
  /** Null parks it. Nothing, where another delivered or parked it by now. */
  webhookFailed(webhookId: string, reason: string, retryInMs: number | null): Promise<void>;
  listWebhooks(filter?: { state?: 'pending' | 'delivered' | 'parked'; after?: string; limit?: number }): Promise<{
    webhooks: WebhookRecord[];
    next: string | null;
  }>;
  /** Sends it again, whatever became of it. False when there is none. */
  replayWebhook(webhookId: string): Promise<boolean>;

  /** Milliseconds since the epoch by the database's clock; throws when it does not answer. For `/readyz`. */
  ping(): Promise<number>;
  /** Forgets uploads that ended this long ago and hold no file; returns how many. */
  forget(endedBeforeMs: number, limit: number): Promise<number>;
  close(): Promise<void>;
}
