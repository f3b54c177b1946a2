import type { Transfer } from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import type { Claims } from './claims.ts';
import type { NewUpload } from './ledger.ts';

/** Builds the row of an upload that is granted now. */
export function buildNewUpload(
  config: Pick<Config, 'expiresInSeconds' | 'abandonAfterSeconds'>,
  route: ResolvedRoute,
  claims: Claims,
  transfer: Transfer,
  quotas: NewUpload['quotas'],
  idempotencyKey?: string,
): NewUpload {
  const { uploadId, ownerId, key, fileName, contentType, size, partSize, checksum, metadata } = claims;
  return {
    uploadId,
    route: route.name,
    ownerId,
    key,
    fileName,
    contentType,
    size,
    partSize,
    transfer,
    checksum,
    metadata,
    reservedBytes: size ?? route.limits.maxBytes,
    expiresInMs: config.expiresInSeconds * 1000,
    abandonAfterMs: partSize === null ? maxTransferMs(size ?? 0) : config.abandonAfterSeconds * 1000,
    quotas,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

const slowestBytesPerMs = 50;
const minTransferMs = 10 * 60_000;
const longestTransferMs = 24 * 3_600_000;

/**
 * Milliseconds for which a request may still be in progress after its grant has expired: ten minutes, and the time that
 * the file takes at 50 kB/s.
 */
export function maxTransferMs(size: number): number {
  return Math.min(longestTransferMs, minTransferMs + size / slowestBytesPerMs);
}
