import { maxSingleBytes } from '../shared/storage-limits.ts';

/**
 * Milliseconds of a lease: a minute, and the time that one copy takes at 20 MB/s. Work that takes longer renews the
 * lease.
 *
 * @param size bytes
 */
export function leaseMs(size: number): number {
  return 60_000 + Math.min(size, maxSingleBytes) / 20_000;
}
