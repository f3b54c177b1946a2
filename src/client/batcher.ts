import type { WaybillError } from '../protocol/index.ts';

/** Requests under way at once. */
const mostRequests = 3;

/**
 * Gathers items into requests, by Nagle's rule: the first goes at once, and what comes while requests are under way
 * goes together in the next. No timer: browsers slow those of hidden pages down to one a minute.
 *
 * @param send gives one answer for each item, in order; an Error fails that item alone, a rejection all of them
 * @param enough items that are worth a request while another is under way
 */
export function createBatcher<Item, Answer>(
  send: (items: Item[]) => Promise<(Answer | WaybillError)[]>,
  maxItems: number,
  enough?: () => number,
): (item: Item) => Promise<Answer> {
  const waiting: [item: Item, resolve: (answer: Answer) => void, reject: (error: unknown) => void][] = [];
  let active = 0;

  async function flush(): Promise<void> {
    if (!waiting.length || active >= mostRequests || (active && waiting.length < (enough?.() as number))) return;
    const batch = waiting.splice(0, maxItems);
    active++;
    flush();
    try {
      const answers = await send(batch.map(([item]) => item));
      batch.forEach(([, resolve, reject], index) => {
        const answer = answers[index] as Answer;
        (answer instanceof Error ? reject : resolve)(answer);
      });
    } catch (error) {
      for (const [, , reject] of batch) reject(error);
    }
    active--;
    flush();
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push([item, resolve, reject]);
      queueMicrotask(flush);
    });
}
