/** Counters in the memory of this process. Their number is bounded, regardless of how many owners or addresses call. */
import type { Rate, RateLimiter } from './store.ts';

/** About 10 MB. A limit per address does not stop an attacker with more addresses than this. */
export const maxCounters = 50_000;

interface Counter {
  points: number;
  /** Milliseconds since the epoch. */
  endsAt: number;
}

/**
 * A fixed window for each key, from its first use. Counters are kept in two generations. The older one is dropped, and
 * the younger one takes its place, after each window (every counter of it has ended by then) and whenever the younger
 * one is full. Deleting single keys from one map instead would cost more the more of them there are.
 *
 * @param now milliseconds since the epoch
 */
export function createMemoryCounters({ points: maxPoints, perSeconds }: Rate, now: () => number): RateLimiter {
  const windowMs = perSeconds * 1000;
  let young = new Map<string, Counter>();
  let old = young;
  let turnedAt = now();

  return {
    async consume(key, points) {
      const at = now();
      if (at - turnedAt >= windowMs || young.size >= maxCounters / 2) {
        old = young;
        young = new Map();
        turnedAt = at;
      }
      let counter = young.get(key) ?? old.get(key);
      if (!counter || counter.endsAt <= at) {
        counter = { points: 0, endsAt: at + windowMs };
        young.set(key, counter);
      }
      counter.points += points;
      if (counter.points > maxPoints) throw { msBeforeNext: counter.endsAt - at };
    },
  };
}
