import { expect, it } from 'vitest';
import { createPool } from '../pool.ts';
import { createHostChoice } from './hosts.ts';

const partBytes = 1_000_000;
const connections = () => createPool(6);

/** Sends parts over a link. Returns how many hosts were in use at the end of each minute. */
function simulate(speedOf: (connections: number) => number, minutes: number, origins = ['a', 'b']): number[] {
  let clock = 0;
  const choice = createHostChoice(origins, { concurrency: 6, now: () => clock, connections });
  const used: number[] = [];
  for (let minute = 1; minute <= minutes; minute++) {
    let hosts = new Set<string>();
    while (clock < minute * 60_000) {
      // One round: as many parts as may be under way at once.
      const picked = Array.from({ length: 12 }, () => choice.pick());
      hosts = new Set(picked.map(({ origin }) => origin));
      const requests = 6 * hosts.size;
      const ms = (partBytes / speedOf(requests)) * 1000;
      clock += ms;
      picked.forEach((host, index) => {
        if (index < requests) choice.recordPart(partBytes, ms);
        choice.release(host);
      });
    }
    used.push(hosts.size);
  }
  return used;
}

it('createHostChoice() keeps both hosts where each connection is slow', () => {
  const used = simulate(() => 2_000_000, 10);
  expect(used.filter((hosts) => hosts === 2).length).toBeGreaterThanOrEqual(9);
});

it('createHostChoice() uses the first host alone where the uplink is full', () => {
  expect(simulate((connections) => 12_000_000 / connections, 1)).toEqual([1]);
  const used = simulate((connections) => 12_000_000 / connections, 10);
  expect(used.filter((hosts) => hosts === 1).length).toBeGreaterThanOrEqual(7);
});

it('createHostChoice() works with a single host', () => {
  expect(simulate(() => 2_000_000, 3, ['a'])).toEqual([1, 1, 1]);
});

it('pick() spreads parts evenly, and gives the index of every host but the first', () => {
  const choice = createHostChoice(['a', 'b'], { concurrency: 6, now: () => 0, connections });
  const first = { origin: 'a', index: undefined };
  const picked = [choice.pick(), choice.pick(), choice.pick()];
  expect(picked).toEqual([first, { origin: 'b', index: 1 }, first]);
  for (const host of picked) if (host.origin === 'a') choice.release(host);
  expect(choice.pick()).toEqual(first);
  expect(choice.bytesPerSecond()).toBeUndefined();
  choice.recordPart(1000, 500);
  expect(choice.bytesPerSecond()).toBe(2000);
});
