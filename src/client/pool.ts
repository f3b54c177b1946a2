import { race } from './race.ts';

/** Runs at most `limit` tasks at once. Small ones go first, but every fourth turn belongs to whoever waits longest. */
export interface Pool {
  /** `task` may give its place up before it ends. */
  <T>(size: number, signal: AbortSignal, task: (leave: () => void) => Promise<T>): Promise<T>;
  /** Whoever sees trouble lowers it; each task that goes well raises it a little, up to where it began. */
  limit: number;
}

const turnOfTheOldest = 4;

export function createPool(most: number): Pool {
  type Entry = [size: number, start: () => void];
  const waiting = new Set<Entry>();
  let active = 0;
  let turns = 0;

  function next(): void {
    let [best] = waiting;
    if (!best || active + 1 > pool.limit) return;
    if (++turns % turnOfTheOldest) for (const entry of waiting) if (entry[0] < best[0]) best = entry;
    waiting.delete(best);
    active++;
    best[1]();
    next();
  }

  const pool: Pool = async (size, signal, task) => {
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
    let left = 0;
    const leave = () => {
      if (left++) return;
      active--;
      next();
    };
    try {
      const result = await task(leave);
      pool.limit = Math.min(most, pool.limit + 1 / pool.limit);
      return result;
    } finally {
      leave();
    }
  };
  pool.limit = most;
  return pool;
}
