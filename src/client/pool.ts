import { race } from './race.ts';

/** Runs at most `limit` tasks at once. Small ones go first, but every fourth turn belongs to whoever waits longest. */
export interface Pool {
  /** `task` may give its place up before it ends. */
  <T>(size: number, signal: AbortSignal, task: (leave: () => void) => Promise<T>): Promise<T>;
  /** Whoever sees trouble lowers it; each task that goes well raises it a little, up to where it began. */
  limit: number;
  /** How many are in. */
  active: number;
}

const turnOfTheOldest = 4;

/** @param refill places that must be free before a full pool lets anybody in: who is let in together can be asked for together */
export function createPool(most: number, refill = 1): Pool {
  type Entry = [size: number, start: () => void];
  const waiting = new Set<Entry>();
  let turns = 0;
  let needed = 1;

  function next(): void {
    let [best] = waiting;
    if (!best) return;
    if (pool.active + needed > pool.limit) {
      needed = refill;
      return;
    }
    needed = 1;
    if (++turns % turnOfTheOldest) for (const entry of waiting) if (entry[0] < best[0]) best = entry;
    waiting.delete(best);
    pool.active++;
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
      pool.active--;
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
  pool.active = 0;
  return pool;
}
