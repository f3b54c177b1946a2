import type { WaybillError } from '../protocol/index.ts';

/** How many requests may be under way at once. */
const maxRequests = 3;

interface Waiting<Item, Answer> {
  item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers items into requests, as Nagle's algorithm does: the first item is sent at once, and items that are added
 * while requests are under way are sent together in the next one. It uses no timer, because browsers slow down the
 * timers of hidden pages.
 *
 * @param send resolves to one answer for each item, in order. An Error rejects that item alone; a rejection rejects all
 * items of the request
 * @param enough how many items must wait before another request is sent while one is under way
 */
export function createBatcher<Item, Answer>(
  send: (items: Item[]) => Promise<(Answer | WaybillError)[]>,
  maxItems: number,
  enough?: () => number,
): (item: Item) => Promise<Answer> {
  const queue: Waiting<Item, Answer>[] = [];
  let active = 0;

  async function flush(): Promise<void> {
    if (!queue.length || active >= maxRequests || (active && queue.length < (enough?.() as number))) return;
    const batch = queue.splice(0, maxItems);
    active++;
    flush();
    try {
      const answers = await send(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index] as Answer;
        (answer instanceof Error ? reject : resolve)(answer);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    active--;
    flush();
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      queueMicrotask(flush);
    });
}
