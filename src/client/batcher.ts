import type { WaybillError } from '../protocol/index.ts';

/**
 * Gathers items into requests, by Nagle's rule: the first goes at once, and what comes while requests are under way
 * goes together in the next. No timer: browsers slow those of hidden pages down to one a minute.
 *
 * @param send gives one answer for each item, in order; an Error fails that item alone, a rejection all of them
 * @param concurrency requests under way at once
 */
export function createBatcher<Item, Answer>(
  send: (items: Item[]) => Promise<(Answer | WaybillError)[]>,
  maxItems: number,
  concurrency: number,
): (item: Item) => Promise<Answer> {
  const waiting: [item: Item, resolve: (answer: Answer) => void, reject: (error: unknown) => void][] = [];
  let active = 0;

  async function flush(): Promise<void> {
    if (active >= concurrency || !waiting.length) return;
    const batch = waiting.splice(0, maxItems);
    active++;
    flush();
    try {
      const answers = await send(batch.map(([item]) => item));
      batch.forEach(([, resolve, reject], index) => {
        const answer = answers[index];
        if (answer instanceof Error) reject(answer);
        else resolve(answer as Answer);
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
