import { describe, expect, it } from 'vitest';
import { createMemoryCounters, maxCounters } from './memory-counters.ts';

describe('counters in memory', () => {
  it('count each key, and refuse above the limit with the time until the window ends', async () => {
    let at = 1000;
    const counters = createMemoryCounters({ points: 3, perSeconds: 10 }, () => at);
    await counters.consume('a', 2);
    at += 4000;
    await counters.consume('a', 1);
    await expect(counters.consume('a', 1)).rejects.toEqual({ msBeforeNext: 6000 });
    await counters.consume('b', 3);
    at += 6000;
    await counters.consume('a', 3);
    await expect(counters.consume('b', 1)).rejects.toEqual({ msBeforeNext: 4000 });
  });

  it('keep a limited number of keys', async () => {
    const counters = createMemoryCounters({ points: 1, perSeconds: 3600 }, () => 0);
    for (let n = 0; n < maxCounters * 3; n += 1) await counters.consume(`owner-${n}`, 1);
    // The newest are still counted, the oldest are not.
    await expect(counters.consume(`owner-${maxCounters * 3 - 1}`, 1)).rejects.toMatchObject({
      msBeforeNext: 3_600_000,
    });
    await counters.consume('owner-0', 1);
  });

  it('keep the counters of the current window while new keys arrive', async () => {
    let at = 0;
    const counters = createMemoryCounters({ points: 1, perSeconds: 10 }, () => at);
    for (let n = 0; n < 100; n += 1) {
      await counters.consume(`owner-${n}`, 1);
      at += 9999;
      await expect(counters.consume(`owner-${n}`, 1)).rejects.toEqual({ msBeforeNext: 1 });
      at -= 9000;
    }
  });
});
