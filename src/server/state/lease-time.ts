import { maxSingleBytes } from '../shared/storage-limits.ts';

/**
 * How long another process waits before it takes an upload over: a minute, and the time that one copy takes. What takes
 * longer renews its lease.
 */
export function leaseMs(size: number): number {
  return 60_000 + Math.min(size, maxSingleBytes) / 20_000;
}
