/** How the bytes of one file go: what the client can, what the storage can, and what the size asks for. */
import { isPartSize, MiB, planParts, type Transfer } from '../../protocol/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { invalid } from '../shared/errors.ts';
import { maxSingleBytes } from '../shared/storage-limits.ts';

/** Large files and streams; smaller ones only where the client knows no other way. */
export function goesByParts(
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
      ? { path: 'size', message: `must be known and at most 5 GiB: ${what} multipart, which this storage has not` }
      : { path: 'transfers', message: `must have multipart: ${what} it` },
  ]);
}

/** A stream's parts wait in memory for their checksum. */
const largestStreamPartBytes = 64 * MiB;

/** The client's wish, or a plan of ours. A stream ends with its 10,000th part at the latest. */
export function partSizeOf(route: ResolvedRoute, size: number | null, wish: number | undefined): number {
  if (wish === undefined) {
    const planned = planParts({ size: Math.max(1, size ?? route.limits.maxBytes) }).partSize;
    return size === null ? Math.min(planned, largestStreamPartBytes) : planned;
  }
  if (isPartSize(wish, size ?? wish)) return wish;
  throw invalid([
    { path: 'partSize', message: 'must be 5 MiB to 5 GiB, and cut the file into 10,000 parts at the most' },
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
  throw invalid([{ path: 'transfers', message: 'has no way that suits this file and storage: add put' }]);
}
