/**
 * The storage's time. It is what signatures are judged by, so when ours differs noticeably, we sign by its `Date`.
 */
import type { AnswerHeaders } from './exchange.ts';

/** Less than this is latency and rounding, not a wrong clock. */
const toleranceMs = 30_000;

/**
 * A wrong time zone is at most 14 hours off, and a clock that is further off than a day is to be set, not followed: an
 * answer that is not the storage's could otherwise make us sign requests that become valid years from now.
 */
export const furthestOffsetMs = 24 * 60 * 60_000;

export interface StorageClock {
  /** Milliseconds since the epoch, as the storage counts them. */
  now(): number;
  /** How far the storage's clock is ahead of ours; 0 as long as they never disagreed. */
  offsetMs(): number;
  /** Learns from an answer to a request that the storage accepted, or that it refused because of its date. */
  observe(headers: AnswerHeaders): void;
  /** What was learned did not help: back to an earlier {@link offsetMs}. */
  restore(offsetMs: number): void;
}

/** `now` in milliseconds since the epoch. */
export function createStorageClock(now: () => number): StorageClock {
  let offset = 0;
  return {
    now: () => now() + offset,
    offsetMs: () => offset,
    observe(headers) {
      const date = Date.parse(headers.date ?? '');
      // A cache repeats old dates.
      if (Number.isNaN(date) || headers.age !== undefined) return;
      const difference = date - now();
      if (Math.abs(difference) > furthestOffsetMs) return;
      if (Math.abs(difference - offset) > toleranceMs) offset = difference;
    },
    restore(before) {
      offset = before;
    },
  };
}
