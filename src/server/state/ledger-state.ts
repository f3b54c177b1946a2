/**
 * With a ledger its rows are the markers and the sidecars: the state machine of a completion is the same, only that a
 * version is a fencing token, and leases are compared by the database's clock.
 */
import { uploadNotFound } from '../shared/errors.ts';
import type { Claims, OpenedGrant } from './claims.ts';
import { leaseMs } from './lease-time.ts';
import type { Ending, Ledger, NewWebhook, UploadRecord } from './ledger.ts';
import { quotaExceeded } from './quota-exceeded.ts';
import { callbackRetryMs } from './retry-delay.ts';
import type { Sidecars } from './sidecars.ts';
import type { HeldMarker, Marker, Markers } from './storage-state.ts';

export interface LedgerMarkersOptions {
  ledger: Ledger;
  /** Records an upload that this ledger has never seen: granted before there was one, or after its last backup. */
  adopt: (claims: Claims) => Promise<void>;
  /** Messages for the outbox, written in one transaction with the ending they tell of. */
  messages: ((claims: Claims, ending: Ending) => readonly NewWebhook[]) | undefined;
  /** The clock of this process: `leaseUntil` is by it, on its way in and out. */
  now: () => number;
}

export function createLedgerMarkers({ ledger, adopt, messages, now }: LedgerMarkersOptions): Markers {
  const durationOf = (marker: { leaseUntil: number }) => Math.max(0, marker.leaseUntil - now());

  function heldOf(record: UploadRecord): HeldMarker {
    return { marker: markerOf(record, now()), version: String(record.fence) };
  }

  async function take(claims: Claims, forMs: number): Promise<UploadRecord | { fence: number }> {
    const { uploadId } = claims;
    for (let round = 0; ; round += 1) {
      const claimed = await ledger.claim(uploadId, forMs);
      if (claimed && 'fence' in claimed && claimed.refusal) {
        const error = quotaExceeded(claimed.refusal).toJSON();
        await end(claims, claimed.fence, { state: 'rejected', error });
        return { ...claimed.record, state: 'rejected', error };
      }
      if (claimed && 'fence' in claimed) return { fence: claimed.fence };
      // It was given up between two looks: whoever has the bytes may claim it all the same.
      if (claimed && (claimed.held.state !== 'expired' || round === 1)) return claimed.held;
      if (!claimed && round === 1) throw uploadNotFound();
      if (!claimed) await adopt(claims);
    }
  }

  function end(claims: Claims, fence: number, ending: Ending): Promise<boolean> {
    const webhooks = messages?.(claims, ending) ?? [];
    return ledger.end(claims.uploadId, fence, webhooks.length === 0 ? ending : ({ ...ending, webhooks } as Ending));
  }

  async function abort(claims: Claims): Promise<HeldMarker | null> {
    const { uploadId } = claims;
    if (await ledger.abort(uploadId)) return null;
    let record = await ledger.find(uploadId);
    if (!record) {
      await adopt(claims);
      if (await ledger.abort(uploadId)) return null;
      record = await ledger.find(uploadId);
    }
    if (!record) throw uploadNotFound();
    return heldOf(record);
  }

  async function callbackFailed({ uploadId }: Claims, version: string, reason: string): Promise<void> {
    const attempts = (await ledger.find(uploadId))?.callback.attempts ?? 1;
    await ledger.failed(uploadId, Number(version), reason, callbackRetryMs(Math.max(1, attempts)));
  }

  return {
    async claim(claims, marker) {
      if (marker.state === 'aborted') {
        const held = await abort(claims);
        return { held, version: held?.version ?? '', takenOver: false };
      }
      const forMs = marker.state === 'promoting' ? durationOf(marker) : leaseMs(0);
      const taken = await take(claims, forMs);
      if ('uploadId' in taken) return { held: heldOf(taken), version: String(taken.fence), takenOver: false };
      if (marker.state === 'rejected') await end(claims, taken.fence, marker);
      return { held: null, version: String(taken.fence), takenOver: taken.fence > 1 };
    },

    async read(uploadId) {
      const record = await ledger.find(uploadId);
      return record && record.state !== 'granted' ? heldOf(record) : null;
    },

    async replace(claims, marker, version) {
      const forMs = marker.state === 'promoting' ? durationOf(marker) : leaseMs(0);
      const fence = await ledger.retake(claims.uploadId, Number(version), forMs);
      if (fence === null) return null;
      if (marker.state !== 'promoting' && !(await end(claims, fence, marker))) return null;
      return { version: String(fence) };
    },

    release: ({ uploadId }, version) => ledger.release(uploadId, Number(version)).catch(() => {}),

    async calling({ uploadId, size }, version) {
      const fence = await ledger.calling(uploadId, Number(version), leaseMs(size));
      return fence === null ? null : { version: String(fence) };
    },

    callbackFailed,

    async inspectFailed(claims, reason) {
      const taken = await take(claims, leaseMs(0));
      if ('uploadId' in taken) return;
      await ledger.failed(claims.uploadId, taken.fence, reason, callbackRetryMs(taken.fence));
    },

    async completed(claims, result, version) {
      const fence = Number(version);
      try {
        return await end(claims, fence, { state: 'completed', ...result });
      } catch (error) {
        await ledger.release(claims.uploadId, fence).catch(() => {});
        throw error;
      }
    },
  };
}

function markerOf(record: UploadRecord, now: number): Marker {
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
      return { state: 'promoting', leaseUntil: now + record.leaseLeftMs };
    default:
      return { state };
  }
  throw new Error(`The ledger has a ${state} upload without its outcome.`);
}

/** What the sidecar of a multipart upload tells, the row tells as well. */
export function createLedgerSidecars(ledger: Ledger): Sidecars {
  return {
    async write() {},
    async read(uploadId) {
      const record = await ledger.find(uploadId);
      return record && openedOf(record);
    },
    async delete() {},
  };
}

/** As if its grant had been opened. */
export function openedOf(record: UploadRecord): OpenedGrant {
  const { uploadId, route, ownerId, key, fileName, size, partSize, contentType, multipartId, metadata } = record;
  const expiresAt = Math.floor(record.expiresAt / 1000);
  // What was declared; of parts nothing was.
  const checksum = partSize === null && record.checksum ? withoutParts(record.checksum) : null;
  const claims: Claims = {
    uploadId,
    route,
    ownerId,
    key,
    fileName,
    size,
    partSize,
    contentType,
    checksum,
    expiresAt,
    metadata,
  };
  // Nothing was sent for it: its object is another upload's.
  if (record.transfer === 'none') claims.shared = true;
  return {
    claims,
    receipt: null,
    multipart: multipartId === null ? null : { multipartId, expiresAt },
  };
}

function withoutParts({ algorithm, value }: NonNullable<UploadRecord['checksum']>): Claims['checksum'] {
  return { algorithm, value };
}
