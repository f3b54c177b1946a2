/**
 * A model of the ledger in plain objects, for the model-based test: no database, no concurrency, usage added up on each
 * call.
 */
import type { Quota, UploadState, Usage } from '../../src/server/index.ts';
import { mayFollow, type NewUpload } from '../../src/server/internal.ts';

export interface ModelUpload {
  granted: NewUpload;
  state: UploadState;
  fence: number;
  leaseUntil: number;
  createdAt: number;
  expiresAt: number;
  abandonAt: number;
  storedBytes: number;
  attempts: number;
  interruptions: number;
  began: boolean;
  retryAt: number | null;
  parkedAt: number | null;
  sweepAt: number | null;
  /** Whether the upload counts as pending in the quota. */
  reserved: boolean;
}

export interface LedgerModel {
  readonly uploads: ReadonlyMap<string, ModelUpload>;
  grant(upload: NewUpload): boolean;
  renewGrant(uploadId: string, ms: number): boolean;
  takeLease(uploadId: string, ms: number): number | 'held';
  renewLease(uploadId: string, fence: number, ms: number): number | null;
  recordCallbackStart(uploadId: string, fence: number, ms: number): number | null;
  releaseLease(uploadId: string, fence: number): void;
  recordCallbackFailure(uploadId: string, fence: number, retryInMs: number | null): void;
  end(uploadId: string, fence: number, state: 'completed' | 'rejected' | 'aborted' | 'expired', bytes: number): boolean;
  abort(uploadId: string): boolean;
  expire(uploadId: string): boolean;
  freeReservation(uploadId: string): boolean;
  delete(uploadId: string): { last: boolean } | null;
  postponeSweep(uploadId: string, ms: number): void;
  unpark(uploadId: string): boolean;
  findDue(): string[];
  usage(ownerId: string, route?: string): Usage;
}

export function createLedgerModel(now: () => number): LedgerModel {
  const uploads = new Map<string, ModelUpload>();
  const at = (uploadId: string) => uploads.get(uploadId) as ModelUpload;

  /** Changes the state when the table of transitions allows it. */
  function changeState(upload: ModelUpload, to: UploadState): boolean {
    if (upload.state !== to && !mayFollow(upload.state, to)) return false;
    upload.state = to;
    return true;
  }

  function finish(upload: ModelUpload): true {
    if (upload.state === 'completed') upload.reserved = false;
    const sweepAt = upload.reserved ? now() + 60_000 : null;
    Object.assign(upload, { leaseUntil: 0, sweepAt, retryAt: null, parkedAt: null });
    return true;
  }

  const holdsLease = (uploadId: string, fence: number) =>
    at(uploadId).state === 'completing' && at(uploadId).fence === fence;

  function lease(upload: ModelUpload, ms: number): number {
    changeState(upload, 'completing');
    upload.fence += 1;
    upload.leaseUntil = now() + ms;
    Object.assign(upload, { sweepAt: upload.leaseUntil, retryAt: null, parkedAt: null });
    return upload.fence;
  }

  function usage(ownerId: string, route?: string): Usage {
    const sum: Usage = { storedBytes: 0, storedFiles: 0, pendingBytes: 0, pendingFiles: 0 };
    for (const { granted, state, storedBytes, reserved } of uploads.values()) {
      if (granted.ownerId !== ownerId || (route !== undefined && granted.route !== route)) continue;
      if (reserved) {
        sum.pendingBytes += granted.reservedBytes;
        sum.pendingFiles += 1;
      }
      if (state === 'completed') {
        sum.storedBytes += storedBytes;
        sum.storedFiles += 1;
      }
    }
    return sum;
  }

  const fitsQuota = (quota: Quota | null, has: Usage, bytes: number) =>
    has.storedBytes + has.pendingBytes + bytes <= (quota?.maxBytes ?? Infinity) &&
    has.storedFiles + has.pendingFiles + 1 <= (quota?.maxFiles ?? Infinity) &&
    has.pendingBytes + bytes <= (quota?.maxPendingBytes ?? Infinity);

  function fitsQuotas({ ownerId, route, quotas, reservedBytes }: NewUpload): boolean {
    return (
      fitsQuota(quotas.owner, usage(ownerId), reservedBytes) &&
      fitsQuota(quotas.route, usage(ownerId, route), reservedBytes)
    );
  }

  return {
    uploads,
    usage,

    grant(granted) {
      const { expiresInMs, abandonAfterMs } = granted;
      if (!fitsQuotas(granted)) return false;
      const expiresAt = now() + expiresInMs;
      uploads.set(granted.uploadId, {
        granted,
        state: 'granted',
        fence: 0,
        leaseUntil: 0,
        createdAt: now(),
        expiresAt,
        abandonAt: expiresAt + abandonAfterMs,
        storedBytes: 0,
        attempts: 0,
        interruptions: 0,
        began: false,
        retryAt: null,
        parkedAt: null,
        sweepAt: expiresAt,
        reserved: true,
      });
      return true;
    },

    renewGrant(uploadId, ms) {
      const upload = at(uploadId);
      if (upload.state !== 'granted') return false;
      upload.expiresAt = now() + ms;
      upload.abandonAt = upload.expiresAt + upload.granted.abandonAfterMs;
      upload.sweepAt = upload.expiresAt;
      return true;
    },

    takeLease(uploadId, ms) {
      const upload = at(uploadId);
      const isFree = upload.state === 'completing' ? upload.leaseUntil <= now() : mayFollow(upload.state, 'completing');
      // An expired upload has to fit the quota again.
      if (isFree && !upload.reserved) upload.reserved = upload.state === 'expired' && fitsQuotas(upload.granted);
      return isFree ? lease(upload, ms) : 'held';
    },

    renewLease: (uploadId, fence, ms) => (holdsLease(uploadId, fence) ? lease(at(uploadId), ms) : null),

    recordCallbackStart(uploadId, fence, ms) {
      if (!holdsLease(uploadId, fence)) return null;
      const upload = at(uploadId);
      upload.attempts += 1;
      if (upload.began) upload.interruptions += 1;
      upload.began = true;
      return lease(upload, ms);
    },

    releaseLease(uploadId, fence) {
      const upload = at(uploadId);
      // A failed callback has already ended the lease and scheduled the next attempt.
      if (!holdsLease(uploadId, fence) || upload.leaseUntil === 0) return;
      upload.leaseUntil = 0;
      upload.sweepAt = now();
    },

    recordCallbackFailure(uploadId, fence, retryInMs) {
      if (!holdsLease(uploadId, fence)) return;
      const upload = at(uploadId);
      upload.leaseUntil = 0;
      upload.began = false;
      upload.retryAt = retryInMs === null ? null : now() + retryInMs;
      upload.parkedAt = retryInMs === null ? now() : null;
      upload.sweepAt = upload.retryAt;
    },

    end(uploadId, fence, state, bytes) {
      if (!holdsLease(uploadId, fence) || (state === 'completed' && !at(uploadId).reserved)) return false;
      if (!changeState(at(uploadId), state)) return false;
      at(uploadId).began = false;
      if (state === 'completed') at(uploadId).storedBytes = bytes;
      return finish(at(uploadId));
    },

    abort: (uploadId) =>
      at(uploadId).state !== 'completing' && at(uploadId).state !== 'aborted' && changeState(at(uploadId), 'aborted')
        ? finish(at(uploadId))
        : false,

    expire(uploadId) {
      const upload = at(uploadId);
      if (upload.state !== 'granted' || upload.abandonAt > now()) return false;
      return changeState(upload, 'expired') && finish(upload);
    },

    freeReservation(uploadId) {
      const upload = at(uploadId);
      if (!upload.reserved || !['aborted', 'rejected', 'expired'].includes(upload.state)) return false;
      Object.assign(upload, { reserved: false, sweepAt: null });
      return true;
    },

    delete(uploadId) {
      const upload = at(uploadId);
      if (upload.state !== 'completed' || !changeState(upload, 'deleted')) return null;
      const others = [...uploads.values()].filter(({ granted }) => granted.key === upload.granted.key);
      const isShared = others.some(
        ({ state, granted }) =>
          state === 'completed' || (granted.transfer === 'none' && (state === 'granted' || state === 'completing')),
      );
      return { last: !isShared };
    },

    postponeSweep(uploadId, ms) {
      const upload = at(uploadId);
      const isOpen = upload.state === 'granted' || upload.state === 'completing';
      if ((isOpen || upload.reserved) && upload.parkedAt === null) upload.sweepAt = now() + ms;
    },

    unpark(uploadId) {
      const upload = at(uploadId);
      if (upload.state !== 'completing' || (upload.parkedAt === null && upload.retryAt === null)) return false;
      Object.assign(upload, { retryAt: now(), sweepAt: now(), parkedAt: null });
      return true;
    },

    findDue: () =>
      [...uploads]
        .filter(([, { sweepAt }]) => sweepAt !== null && sweepAt <= now())
        .map(([uploadId]) => uploadId)
        .sort(),
  };
}
