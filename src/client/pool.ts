import { race } from './race.ts';

/** Runs at most `limit` tasks at once. Small ones go first, but every fourth turn belongs to whoever waits longest. */
export type Pool = <T>(size: number, signal: AbortSignal, task: () => Promise<T>) => Promise<T>;

const turnOfTheOldest = 4;

export function createPool(limit: number): Pool {
  type Entry = [size: number, start: () => void];
  const waiting = new Set<Entry>();
  let active = 0;
  let turns = 0;

  function next(): void {
    let [best] = waiting;
    if (!best || active >= limit) return;
    if (++turns % turnOfTheOldest) for (const entry of waiting) if (entry[0] < best[0]) best = entry;
    waiting.delete(best);
    active++;
    best[1]();
  }

  return async (size, signal, task) => {
    signal.throwIfAborted();
    let entry: Entry;
    await race<void>(
      signal,
      (start) => {
        entry = [size, start];
        waiting.add(entry);
        next();
      },
      () => waiting.delete(entry),
    );
    try {
      return await task();
    } finally {
      active--;
      next();
    }
  };
}
