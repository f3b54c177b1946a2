import { describe, expect, it } from 'vitest';
import { createGroup } from './group.ts';

/** Transactions that the test ends one by one. */
function createRuns(isCausedByOneItem: boolean) {
  const runs: { items: readonly number[]; answer(): void; fail(): void }[] = [];
  const group = createGroup<number, number>({
    run: (items) =>
      new Promise((resolve, reject) =>
        runs.push({ items, answer: () => resolve(items.map((n) => n * 2)), fail: () => reject(new Error('no')) }),
      ),
    isCausedByOneItem: () => isCausedByOneItem,
    bytesOf: (n) => n,
    maxBytes: 100,
    maxParallel: 1,
    maxItems: 3,
  });
  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return { group, runs, turn };
}

describe('createGroup()', () => {
  it('puts the items that arrive during a transaction into the next one, up to maxItems', async () => {
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

  it('halves a group until the item that fails is alone, so that only its call rejects', async () => {
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

  it('limits a transaction to maxBytes and runs a larger item alone', async () => {
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

  it('rejects every item without another attempt when no single item caused the error', async () => {
    const { group, runs, turn } = createRuns(false);
    const answers = Promise.allSettled([1, 2, 3].map((n) => group.add(n)));
    await turn();
    runs[0]?.fail();
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(runs).toHaveLength(1);
  });
});
