/** Chooses the transfer of one file by its size and by what the client and the storage support. */
import { isPartSize, MiB, planParts, type Transfer } from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { invalid } from '../shared/errors.ts';
import { maxSingleBytes } from '../shared/storage-limits.ts';

/**
 * Decides whether this file is sent as multipart: large files and streams are, and smaller files only when the client
 * supports no other transfer.
 *
 * @throws {WaybillError} `invalid_request` for a file that needs multipart and cannot use it
 */
export function usesMultipart(
  config: Config,
  route: ResolvedRoute,
  wanted: readonly Transfer[] | undefined,
  size: number | null,
): boolean {
  const isOffered = wanted?.includes('multipart') ?? false;
  const isNeeded = size === null || size > maxSingleBytes;
  if (isOffered && route.multipart) {
    if (isNeeded || size >= config.multipartMinBytes) return true;
    return size > 0 && wanted?.every((transfer) => transfer === 'multipart') === true;
  }
  if (!isNeeded) return false;
  const what = size === null ? 'a stream needs' : 'a file over 5 GiB needs';
  throw invalid([
    isOffered
      ? {
          path: 'size',
          message: `must be known and at most 5 GiB: ${what} multipart, which this storage does not support`,
        }
      : { path: 'transfers', message: `must have multipart: ${what} it` },
  ]);
}

/** A client keeps each part of a stream in memory until it has its checksum. */
const maxStreamPartBytes = 64 * MiB;

/**
 * Returns the part size that the client wants, or plans one. A stream is planned for the largest file that the route
 * allows, because it must not need more than 10,000 parts either.
 */
export function choosePartSize(route: ResolvedRoute, size: number | null, wanted: number | undefined): number {
  if (wanted === undefined) {
    const planned = planParts({ size: Math.max(1, size ?? route.limits.maxBytes) }).partSize;
    return size === null ? Math.min(planned, maxStreamPartBytes) : planned;
  }
  if (isPartSize(wanted, size ?? wanted)) return wanted;
  throw invalid([
    { path: 'partSize', message: 'must be 5 MiB to 5 GiB, and divide the file into at most 10,000 parts' },
  ]);
}

/** Chooses the transfer of a file that is not sent as multipart. */
export function chooseTransfer(
  config: Config,
  route: ResolvedRoute,
  wanted: readonly Transfer[] | undefined,
  size: number,
  algorithm: string | null,
): 'put' | 'form' {
  if (wanted === undefined) return 'put';
  if (wanted.includes('form') && size <= config.formMaxBytes && route.formBinds(algorithm)) return 'form';
  if (wanted.includes('put')) return 'put';
  throw invalid([{ path: 'transfers', message: 'has no transfer that this file and storage can use: add put' }]);
}
