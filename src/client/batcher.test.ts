import { expect, it } from 'vitest';
import { createBatcher } from './batcher.ts';
import { failure } from './errors.ts';

/** Requests that answer when they are told to. */
function held() {
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

it('sends the first at once, and gathers while requests are under way', async () => {
  const { requests, send } = held();
  const add = createBatcher<number, string>(send, 3, 1);
  const first = add(1);
  await turn();
  const later = [2, 3, 4, 5].map(add);
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1]]);
  requests[0]?.answer();
  expect(await first).toBe('#1');
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  requests[1]?.answer();
  await turn();
  requests[2]?.answer();
  expect(await Promise.all(later)).toEqual(['#2', '#3', '#4', '#5']);
});

it('takes together what comes together', async () => {
  const { requests, send } = held();
  const add = createBatcher<number, string>(send, 10, 2);
  const all = [1, 2, 3].map(add);
  await turn();
  expect(requests.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  requests[0]?.answer();
  await Promise.all(all);
});

it('fails one for its own error, all for a lost request, and goes on', async () => {
  const { requests, send } = held();
  const add = createBatcher<number, string>(send, 10, 1);
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
