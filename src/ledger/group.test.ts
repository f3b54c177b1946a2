import { describe, expect, it } from 'vitest';
import { createGroup } from './group.ts';

/** Runs that the test ends, one by one. */
function createRuns(oneIsAtFault: boolean) {
  const runs: { items: readonly number[]; answer(): void; fail(): void }[] = [];
  const group = createGroup<number, number>({
    run: (items) =>
      new Promise((resolve, reject) =>
        runs.push({ items, answer: () => resolve(items.map((n) => n * 2)), fail: () => reject(new Error('no')) }),
      ),
    oneIsAtFault: () => oneIsAtFault,
    weightOf: (n) => n,
    mostBytes: 100,
    parallel: 1,
    most: 3,
  });
  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return { group, runs, turn };
}

describe('a group', () => {
  it('shares the next transaction with whoever came while one ran, up to a number', async () => {
    const { group, runs, turn } = createRuns(false);
    const first = group.add(1);
    await turn();
    const others = [2, 3, 4, 5].map((n) => group.add(n));
    await turn();
    expect(runs.map(({ items }) => items)).toEqual([[1]]);
    runs[0]?.answer();
    await turn();
    runs[1]?.answer();
    await turn();
    runs[2]?.answer();
    expect(await Promise.all([first, ...others])).toEqual([2, 4, 6, 8, 10]);
    expect(runs.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('is halved until the item at fault is alone, so that only its call fails', async () => {
    const { group, runs, turn } = createRuns(true);
    const answers = Promise.allSettled([1, 2, 3].map((n) => group.add(n)));
    await turn();
    for (const how of ['fail', 'fail', 'answer', 'fail', 'answer'] as const) {
      runs.at(-1)?.[how]();
      await turn();
    }
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(runs.map(({ items }) => items)).toEqual([[1, 2, 3], [1, 2], [1], [2], [3]]);
  });

  it('has at most so many bytes, and one item that has more goes alone', async () => {
    const { group, runs, turn } = createRuns(true);
    const all = Promise.all([60, 50, 500, 1].map((n) => group.add(n)));
    await turn();
    for (let n = 0; n < 4; n += 1) {
      runs.at(-1)?.answer();
      await turn();
    }
    await all;
    expect(runs.map(({ items }) => items)).toEqual([[60], [50], [500], [1]]);
  });

  it('asks a database that does not answer once, and not for each of them', async () => {
    const { group, runs, turn } = createRuns(false);
    const answers = Promise.allSettled([1, 2, 3].map((n) => group.add(n)));
    await turn();
    runs[0]?.fail();
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(runs).toHaveLength(1);
  });
});
