/** Chooses the transfer of one file by its size and by what the client and the storage support. */
import { isPartSize, MiB, planParts, type Transfer } from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { invalid } from '../shared/errors.ts';
import { maxSingleBytes } from '../shared/storage-limits.ts';

/** Large files and streams use multipart, and smaller files only when the client supports no other transfer. */
export function usesMultipart(
  config: Config,
  route: ResolvedRoute,
  wanted: readonly Transfer[] | undefined,
  size: number | null,
): boolean {
  const offered = wanted?.includes('multipart') ?? false;
  const needed = size === null || size > maxSingleBytes;
  if (offered && route.multipart) {
    if (needed || size >= config.multipartMinBytes) return true;
    return size > 0 && wanted?.every((transfer) => transfer === 'multipart') === true;
  }
  if (!needed) return false;
  const what = size === null ? 'a stream needs' : 'a file over 5 GiB needs';
  throw invalid([
    offered
      ? {
          path: 'size',
          message: `must be known and at most 5 GiB: ${what} multipart, which this storage does not support`,
        }
      : { path: 'transfers', message: `must have multipart: ${what} it` },
  ]);
}

/** A client keeps each part of a stream in memory until it has its checksum. */
const largestStreamPartBytes = 64 * MiB;

/** The client's part size, or a planned one. A stream has at most 10,000 parts as well. */
export function choosePartSize(route: ResolvedRoute, size: number | null, wanted: number | undefined): number {
  if (wanted === undefined) {
    const planned = planParts({ size: Math.max(1, size ?? route.limits.maxBytes) }).partSize;
    return size === null ? Math.min(planned, largestStreamPartBytes) : planned;
  }
  if (isPartSize(wanted, size ?? wanted)) return wanted;
  throw invalid([
    { path: 'partSize', message: 'must be 5 MiB to 5 GiB, and divide the file into at most 10,000 parts' },
  ]);
}

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
