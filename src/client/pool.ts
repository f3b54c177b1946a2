import { race } from './race.ts';

/**
 * Runs at most `limit` tasks at once. Smaller tasks start first, but every fourth turn goes to the task that has
 * waited longest.
 */
export interface Pool {
  /** `task` may free its place before it ends, by calling `freePlace`. */
  <T>(size: number, signal: AbortSignal, task: (freePlace: () => void) => Promise<T>): Promise<T>;
  /** Failures lower the limit. Each task that succeeds raises it a little, up to the initial value. */
  limit: number;
  /** Tasks that have a place. */
  active: number;
  /** When the limit was last lowered. */
  easedAt?: number;
}

interface Waiting {
  size: number;
  start: () => void;
}

const turnOfTheOldest = 4;

/**
 * @param refill places that must be free before a full pool starts new tasks, so that these share a request for grants
 */
export function createPool(maxLimit: number, refill = 1): Pool {
  const queue = new Set<Waiting>();
  let turns = 0;
  let needed = 1;

  function startNext(): void {
    let [best] = queue;
    if (!best) return;
    if (pool.active + needed > pool.limit) {
      needed = refill;
      return;
    }
    needed = 1;
    if (++turns % turnOfTheOldest) for (const waiting of queue) if (waiting.size < best.size) best = waiting;
    queue.delete(best);
    pool.active++;
    best.start();
    startNext();
  }

  const pool: Pool = async (size, signal, task) => {
    signal.throwIfAborted();
    let waiting: Waiting;
    await race<void>(
      signal,
      (start) => {
        waiting = { size, start };
        queue.add(waiting);
        startNext();
      },
      () => queue.delete(waiting),
    );
    let isFree = false;
    const freePlace = () => {
      if (isFree) return;
      isFree = true;
      pool.active--;
      startNext();
    };
    try {
      const result = await task(freePlace);
      pool.limit = Math.min(maxLimit, pool.limit + 1 / pool.limit);
      return result;
    } finally {
      freePlace();
    }
  };
  pool.limit = maxLimit;
  pool.active = 0;
  return pool;
}
