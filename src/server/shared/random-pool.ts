import { randomFillSync } from 'node:crypto';

/** Fills the array with unpredictable bytes. */
export type RandomFill = (bytes: Uint8Array) => void;

export type TakeRandom = (size: number) => Buffer;

const poolBytes = 8192;
const staleAfterMs = 1000;

/**
 * Random bytes from a pool: one system call for many grants. What is left of a pool older than a second is thrown
 * away, because a snapshot of a process (Lambda SnapStart, CRIU) would hand the same bytes to every copy of it.
 */
export function createRandomPool(options: { fill?: RandomFill | undefined; now: () => number }): TakeRandom {
  const fill: RandomFill = options.fill ?? randomFillSync;
  let pool = Buffer.alloc(0);
  let offset = 0;
  let filledAt = 0;
  return (size) => {
    const now = options.now();
    if (offset + size > pool.length || now - filledAt > staleAfterMs || now < filledAt) {
      // A new buffer each time: what was handed out from the old one stays what it was.
      pool = Buffer.allocUnsafeSlow(poolBytes);
      fill(pool);
      offset = 0;
      filledAt = now;
    }
    offset += size;
    return pool.subarray(offset - size, offset);
  };
}
