import { expect, it } from 'vitest';
import { createBatcher } from './batcher.ts';
import { failure } from './errors.ts';

/** Requests that the test answers. */
function holdRequests() {
  const requests: { items: number[]; answer: () => void; fail: (error: unknown) => void }[] = [];
  const send = (items: number[]) =>
    new Promise<(string | ReturnType<typeof failure>)[]>((resolve, reject) => {
      requests.push({
        items,
        answer: () => resolve(items.map((n) => (n === 13 ? failure('forbidden', 'bad luck') : `#${n}`))),
        fail: reject,
      });
    });
  return { requests, send };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('createBatcher() sends the first item at once, and gathers more while requests are under way', async () => {
  const { requests, send } = holdRequests();
  const add = createBatcher<number, string>(send, 2);
  const first = add(1);
  for (const n of [2, 3]) {
    await turn();
    void add(n);
  }
  await turn();
  const later = [4, 5, 6].map(add);
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1], [2], [3]]);
  requests[0]?.answer();
  expect(await first).toBe('#1');
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1], [2], [3], [4, 5]]);
  requests[1]?.answer();
  await turn();
  for (const { answer } of requests) answer();
  expect(await Promise.all(later)).toEqual(['#4', '#5', '#6']);
});

it('createBatcher() waits for enough items only while a request is under way', async () => {
  const { requests, send } = holdRequests();
  let enough = 3;
  const add = createBatcher<number, string>(send, 10, () => enough);
  const all = [add(1)];
  await turn();
  all.push(add(2), add(3));
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1]]);
  all.push(add(4));
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  all.push(add(5));
  await turn();
  requests[0]?.answer();
  await turn();
  requests[1]?.answer();
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
  enough = 0;
  all.push(add(6));
  await turn();
  expect(requests.at(-1)?.items).toEqual([6]);
  for (const { answer } of requests) answer();
  expect(await Promise.all(all)).toEqual(['#1', '#2', '#3', '#4', '#5', '#6']);
});

it('createBatcher() sends items of the same moment in one request', async () => {
  const { requests, send } = holdRequests();
  const add = createBatcher<number, string>(send, 10);
  const all = [1, 2, 3].map(add);
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  requests[0]?.answer();
  await Promise.all(all);
});

it('createBatcher() rejects one item for its own error, and all items of a lost request', async () => {
  const { requests, send } = holdRequests();
  const add = createBatcher<number, string>(send, 10);
  const some = Promise.allSettled([12, 13, 14].map(add));
  await turn();
  requests[0]?.answer();
  expect((await some).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const lost = Promise.allSettled([1, 2].map(add));
  await turn();
  requests[1]?.fail(new Error('gone'));
  expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = add(3);
  await turn();
  requests[2]?.answer();
  expect(await next).toBe('#3');
});
