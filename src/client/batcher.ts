import type { WaybillError } from '../protocol/index.ts';

/** Requests under way at once. */
const maxRequests = 3;

interface Waiting<Item, Answer> {
  item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers items into requests, as Nagle's algorithm does: the first item is sent at once, and items that come while
 * requests are under way are sent together in the next one. There is no timer: browsers slow the timers of hidden pages
 * down.
 *
 * @param send gives one answer for each item, in order; an Error fails that item alone, a rejection fails all of them
 * @param enough how many items justify a request while another one is under way
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
