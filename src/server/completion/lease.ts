/** Whose is the upload now? One process at a time goes on with it, and what was decided stays decided. */
import { WaybillError } from '../../protocol/index.ts';
import type { Storage } from '../../s3/index.ts';
import { storageFault } from '../../s3/internal.ts';
import { uploadEnded, uploadExpired } from '../shared/errors.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims, OpenedGrant, Settled } from '../state/claims.ts';
import { leaseMs } from '../state/lease-time.ts';
import type { Claim, Marker } from '../state/storage-state.ts';
import { closeStaging, dropShared } from './staging.ts';
import type { Completed, Completing, CompletionDependencies } from './types.ts';

/** The marker is ours until `leaseUntil` (milliseconds since the epoch), as long as it has this version. */
export interface Lease {
  version: string;
  leaseUntil: number;
  /** Another process began and did not end. */
  takenOver: boolean;
}

export interface LeaseKeeper {
  /** Renews the lease when half of it is over. @throws {WaybillError} when another process has it */
  keep(): Promise<void>;
  /** Keeps it while this goes on. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

const keepEveryMs = 15_000;

export function createLeaseKeeper(
  { config, markers }: Pick<CompletionDependencies, 'config' | 'markers'>,
  claims: Settled,
  lease: Lease,
): LeaseKeeper {
  const whole = leaseMs(claims.size);
  // Of several that ask at once, one renews.
  let renewing: Promise<void> | undefined;

  async function renew(): Promise<void> {
    const leaseUntil = config.now() + whole;
    const kept = await markers.replace(claims, { state: 'promoting', leaseUntil }, lease.version);
    if (!kept) throw storageFault('storage_unavailable', 'Another process has taken this upload over.');
    lease.version = kept.version;
    lease.leaseUntil = leaseUntil;
  }

  async function keep(): Promise<void> {
    if (!renewing && lease.leaseUntil - config.now() > whole / 2) return;
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    await renewing;
  }

  return {
    keep,
    async during(work) {
      // Whoever lost the lease learns it at the next step.
      const timer = setInterval(() => void keep().catch(() => {}), keepEveryMs);
      timer.unref();
      try {
        return await work();
      } finally {
        clearInterval(timer);
        await renewing?.catch(() => {});
      }
    },
  };
}

/** Null when the world moved meanwhile and another look is due. */
export async function claimUpload(
  dependencies: Pick<CompletionDependencies, 'config' | 'markers' | 'sidecars'>,
  opened: OpenedGrant,
  wanted: Claim,
): Promise<Lease | Completed | Completing | null> {
  const { markers, config } = dependencies;
  const { now } = config;
  const { claims } = opened;
  const leaseUntil = wanted.state === 'promoting' ? wanted.leaseUntil : 0;
  const { held, version, takenOver } = await markers.claim(claims, wanted);
  if (!held) return { version, leaseUntil, takenOver };
  const { marker } = held;
  if (marker.state !== 'promoting') {
    // Sent again under an unexpired URL: what was decided stands, and the bytes go (ATTACKS C11).
    await discard(dependencies, opened);
    return outcomeOf(claims, marker);
  }
  const left = marker.leaseUntil - now();
  if (left > 0) return completing(claims, left);
  const taken = await markers.replace(claims, wanted, held.version);
  return taken && { version: taken.version, leaseUntil, takenOver: true };
}

export function isLease(claimed: Lease | Completed | Completing): claimed is Lease {
  return 'takenOver' in claimed;
}

/** Nothing of it stays at the storage but its marker, and its reservation is given back. */
export async function discard(
  { config, sidecars }: Pick<CompletionDependencies, 'config' | 'sidecars'>,
  { claims, multipart }: OpenedGrant,
): Promise<void> {
  const { storage, ledger } = config;
  let isClosed = true;
  if (claims.shared) await dropShared(config, claims);
  else {
    const key = stagingKeyOf(config, claims.uploadId);
    [isClosed] = await Promise.all([
      closeStaging(config, claims),
      multipart && freeParts(storage, key, multipart.multipartId),
    ]);
    // Last: as long as parts may be there, it says whose they are.
    if (claims.partSize !== null) await sidecars.delete(claims.uploadId);
  }
  // Else the sweep gives it back, when the request has expired.
  if (isClosed) await ledger?.freeReservation(claims.uploadId);
}

/**
 * A part that was under way may arrive after the abort and keep the others.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
 */
async function freeParts(storage: Storage, key: string, multipartId: string): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await storage.abortMultipart(key, multipartId);
    if ((await storage.listParts(key, multipartId)) === null) return;
  }
}

export function outcomeOf(claims: Claims, marker: Exclude<Marker, { state: 'promoting' }>): Completed {
  if (marker.state === 'completed') return { uploadId: claims.uploadId, file: marker.file, data: marker.data };
  if (marker.state === 'rejected')
    throw new WaybillError(marker.error.code, marker.error.message, { details: marker.error.details });
  if (marker.state === 'expired') throw uploadExpired('The permission has expired, and nothing was sent.');
  throw uploadEnded(marker.state);
}

export function completing(claims: Claims, leftMs: number): Completing {
  const retryAfterSeconds = Math.min(5, Math.max(1, Math.ceil(leftMs / 1000)));
  return { uploadId: claims.uploadId, completing: true, retryAfterSeconds };
}
