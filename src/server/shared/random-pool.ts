import { randomFillSync } from 'node:crypto';

/** Fills the array with unpredictable bytes. */
export type RandomFill = (bytes: Uint8Array) => void;

export type TakeRandom = (size: number) => Buffer;

const poolBytes = 8192;
const staleAfterMs = 1000;

/**
 * Takes random bytes from a pool, so that one system call serves many grants. After a second the rest of a pool is not
 * used any more, because every copy of a process that is restored from a snapshot (Lambda SnapStart, CRIU) would use
 * the same bytes.
 */
export function createRandomPool(options: { fill?: RandomFill | undefined; now: () => number }): TakeRandom {
  const fill: RandomFill = options.fill ?? randomFillSync;
  let pool = Buffer.alloc(0);
  let offset = 0;
  let filledAt = 0;
  return (size) => {
    const now = options.now();
    if (offset + size > pool.length || now - filledAt > staleAfterMs || now < filledAt) {
      // A new buffer is allocated each time, because the callers still use the bytes of the old one.
      pool = Buffer.allocUnsafeSlow(poolBytes);
      fill(pool);
      offset = 0;
      filledAt = now;
    }
    offset += size;
    return pool.subarray(offset - size, offset);
  };
}
