/** Runs at most `limit` tasks at once. Small ones go first, but every fourth turn belongs to whoever waits longest. */
export type Pool = <T>(size: number, signal: AbortSignal, task: () => Promise<T>) => Promise<T>;

const turnOfTheOldest = 4;

export function createPool(limit: number): Pool {
  type Entry = [size: number, start: (value?: unknown) => void];
  let waiting: Entry[] = [];
  let active = 0;
  let turns = 0;

  function next(): void {
    while (active < limit && waiting[0]) {
      let best = waiting[0];
      if (++turns % turnOfTheOldest) for (const entry of waiting) if (entry[0] < best[0]) best = entry;
      leave(best);
      active++;
      best[1]();
    }
  }

  function leave(entry: Entry): void {
    waiting = waiting.filter((other) => other !== entry);
  }

  return async (size, signal, task) => {
    signal.throwIfAborted();
    await new Promise((start, reject) => {
      const entry: Entry = [size, start];
      signal.addEventListener('abort', () => {
        leave(entry);
        reject(signal.reason);
      });
      waiting.push(entry);
      next();
    });
    try {
      return await task();
    } finally {
      active--;
      next();
    }
  };
}
