import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPool } from './pool.ts';

/** Runs jobs one at a time. Returns their order. */
async function orderOf(sizes: number[]): Promise<number[]> {
  const pool = createPool(1);
  const order: number[] = [];
  const { signal } = new AbortController();
  await Promise.all(sizes.map((size, index) => pool(size, signal, async () => void order.push(index))));
  return order;
}

it('createPool() starts small jobs first', async () => {
  expect(await orderOf([9, 8, 1, 2])).toEqual([0, 2, 3, 1]);
});

it('createPool() gives every fourth turn to the job that waits longest', async () => {
  const pool = createPool(1);
  const { signal } = new AbortController();
  let turns = 0;
  let large = 0;
  const small = async (): Promise<void> => {
    turns++;
    // Each small job adds another one.
    if (turns < 100) void pool(1, signal, small);
  };
  const jobs = [pool(1, signal, small), pool(1, signal, small)];
  jobs.push(
    pool(1e9, signal, async () => {
      large = turns;
    }),
  );
  await Promise.all(jobs);
  expect(large).toBeGreaterThan(0);
  expect(large).toBeLessThanOrEqual(8);
});

it('createPool() starts no job after it was full until several places are free', async () => {
  const pool = createPool(4, 2);
  const { signal } = new AbortController();
  const leaves: (() => void)[] = [];
  for (let n = 0; n < 8; n++) void pool(1, signal, () => new Promise<void>((resolve) => leaves.push(resolve)));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  expect(leaves).toHaveLength(4);
  leaves[0]?.();
  await turn();
  expect(leaves).toHaveLength(4);
  leaves[1]?.();
  await turn();
  expect(leaves).toHaveLength(6);
  for (const n of [2, 3, 4, 5]) leaves[n]?.();
  await turn();
  expect(leaves).toHaveLength(8);
  for (const leave of leaves) leave();
  await turn();
  expect(pool.active).toBe(0);
});

it('createPool() runs each job once and at most `limit` jobs at a time, for any failures and aborts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ size: fc.nat(9), ends: fc.constantFrom('well', 'badly', 'aborted'), takes: fc.nat(3) }), {
        maxLength: 30,
      }),
      async (limit, jobs) => {
        const pool = createPool(limit);
        let active = 0;
        const runs = jobs.map(() => 0);
        const outcomes = await Promise.allSettled(
          jobs.map(({ size, ends, takes }, index) => {
            const controller = new AbortController();
            const job = pool(size, controller.signal, async () => {
              runs[index] = (runs[index] ?? 0) + 1;
              expect(++active).toBeLessThanOrEqual(limit);
              for (let turn = 0; turn < takes; turn++) await null;
              active--;
              if (ends === 'badly') throw new Error('badly');
            });
            if (ends === 'aborted') queueMicrotask(() => controller.abort());
            return job;
          }),
        );
        outcomes.forEach(({ status }, index) => {
          const ran = runs[index] ?? 0;
          const { ends } = jobs[index] ?? {};
          if (ends === 'well') expect([status, ran]).toEqual(['fulfilled', 1]);
          if (ends === 'badly') expect([status, ran]).toEqual(['rejected', 1]);
          if (ends === 'aborted') expect(ran).toBe(status === 'fulfilled' ? 1 : 0);
        });
        // The pool still has all its places.
        let inside = 0;
        let most = 0;
        await Promise.all(
          Array.from({ length: limit }, () =>
            pool(1, new AbortController().signal, async () => {
              most = Math.max(most, ++inside);
              await new Promise((resolve) => setImmediate(resolve));
            }),
          ),
        );
        expect(most).toBe(limit);
      },
    ),
  );
});
