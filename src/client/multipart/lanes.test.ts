import { expect, it } from 'vitest';
import type { JourneyContext } from '../journey.ts';
import { createPool } from '../pool.ts';
import { createLanes } from './lanes.ts';

const partBytes = 1_000_000;

/** Sends parts for a while over a link of this kind; tells how many hosts were in use at the end of each minute. */
function simulate(link: (connections: number) => number, minutes: number, hosts = ['a', 'b']): number[] {
  let clock = 0;
  const pools = new Map<string, ReturnType<typeof createPool>>();
  const lane = (host: string) => {
    const pool = pools.get(host) ?? createPool(6);
    pools.set(host, pool);
    return pool;
  };
  const lanes = createLanes({ concurrency: 6, now: () => clock, lane } as unknown as JourneyContext, hosts);
  const used: number[] = [];
  for (let minute = 1; minute <= minutes; minute++) {
    let last = new Set<string>();
    while (clock < minute * 60_000) {
      // One round: as many parts as may travel at once.
      const picked = Array.from({ length: 12 }, () => lanes.pick()[0]);
      last = new Set(picked);
      const connections = 6 * last.size;
      const ms = (partBytes / link(connections)) * 1000;
      clock += ms;
      for (const one of picked.slice(0, connections)) {
        lanes.sent(partBytes, ms);
        lanes.leave(one);
      }
      for (const one of picked.slice(connections)) lanes.leave(one);
    }
    used.push(last.size);
  }
  return used;
}

it('keeps both hosts where each connection is slow by itself', () => {
  const used = simulate(() => 2_000_000, 10);
  expect(used.filter((hosts) => hosts === 2).length).toBeGreaterThanOrEqual(9);
});

it('leaves the second host alone where the uplink is full', () => {
  expect(simulate((connections) => 12_000_000 / connections, 1)).toEqual([1]);
  const used = simulate((connections) => 12_000_000 / connections, 10);
  expect(used.filter((hosts) => hosts === 1).length).toBeGreaterThanOrEqual(7);
});

it('looks at one host only where there is only one', () => {
  expect(simulate(() => 2_000_000, 3, ['a'])).toEqual([1, 1, 1]);
});

it('spreads parts evenly, and tells the host by its number', () => {
  const lanes = createLanes({ concurrency: 6, now: () => 0 } as unknown as JourneyContext, ['a', 'b']);
  expect([lanes.pick(), lanes.pick(), lanes.pick()]).toEqual([
    ['a', undefined],
    ['b', 1],
    ['a', undefined],
  ]);
  lanes.leave('a');
  lanes.leave('a');
  expect(lanes.pick()).toEqual(['a', undefined]);
  expect(lanes.bytesPerSecond()).toBeUndefined();
  lanes.sent(1000, 500);
  expect(lanes.bytesPerSecond()).toBe(2000);
});
