/**
 * The clock of the storage, read from the `Date` of its responses. The storage checks signatures against its own
 * clock, so requests are signed with that time when the clock of this machine differs.
 */
import type { ResponseHeaders } from './exchange.ts';

/** A smaller difference is taken for latency and rounding. */
const toleranceMs = 30_000;

/**
 * A larger difference is ignored. A wrong time zone is at most 14 hours off, and a response that does not come from the
 * storage could otherwise make this server sign requests that become valid years from now.
 */
export const maxOffsetMs = 24 * 60 * 60_000;

export interface StorageClock {
  /** Milliseconds since the epoch, as the storage counts them. */
  now(): number;
  /** How far the storage's clock is ahead of ours; 0 while they agree. */
  offsetMs(): number;
  /** Reads the clock from the response to a request that was accepted, or that was refused because of its date. */
  observe(headers: ResponseHeaders): void;
  /** Returns to an earlier {@link offsetMs}, after a correction that did not help. */
  restore(previousOffsetMs: number): void;
}

/** `now` in milliseconds since the epoch. */
export function createStorageClock(now: () => number): StorageClock {
  let offset = 0;
  return {
    now: () => now() + offset,
    offsetMs: () => offset,
    observe(headers) {
      const date = Date.parse(headers.date ?? '');
      // A response from a cache has an old date.
      if (Number.isNaN(date) || headers.age !== undefined) return;
      const difference = date - now();
      if (Math.abs(difference) > maxOffsetMs) return;
      if (Math.abs(difference - offset) > toleranceMs) offset = difference;
    },
    restore(previousOffsetMs) {
      offset = previousOffsetMs;
    },
  };
}
