/**
 * Group commit: what comes while a transaction runs waits, and shares the next one. Under load a commit (a sync of the disk)
 * is paid once for all of them; alone, nothing waits.
 */
export interface Group<In, Out> {
  add(item: In): Promise<Out>;
}

export interface GroupOptions<In, Out> {
  /** All in one transaction: one result for each, in order. */
  run(items: readonly In[]): Promise<Out[]>;
  /**
   * Whether one item may have caused what `run` threw. The group is then halved until that item is alone, so that only its
   * own call fails. Any other error is the answer to all of them.
   */
  oneIsAtFault(error: unknown): boolean;
  /** Bytes that this item brings to a transaction. */
  weightOf(item: In): number;
  /** Bytes in one transaction. A single item may have more. */
  mostBytes: number;
  /** Transactions at once. */
  parallel: number;
  /** Items in one. */
  most: number;
}

interface Waiting<In, Out> {
  item: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

export function createGroup<In, Out>({
  run,
  oneIsAtFault,
  weightOf,
  mostBytes,
  parallel,
  most,
}: GroupOptions<In, Out>): Group<In, Out> {
  const waiting: Waiting<In, Out>[] = [];
  let running = 0;
  let scheduled = false;

  async function commit(group: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await run(group.map(({ item }) => item));
      for (const [index, one] of group.entries()) one.resolve(results[index] as Out);
    } catch (error) {
      // A database that does not answer is not asked again for each of two hundred, one after the other.
      if (group.length === 1 || !oneIsAtFault(error)) for (const one of group) one.reject(error);
      else {
        const half = Math.ceil(group.length / 2);
        await commit(group.slice(0, half));
        await commit(group.slice(half));
      }
    }
  }

  function takeNext(): Waiting<In, Out>[] {
    let count = 0;
    let bytes = 0;
    for (const { item } of waiting) {
      bytes += weightOf(item);
      if (count > 0 && (count === most || bytes > mostBytes)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  function start(): void {
    scheduled = false;
    while (running < parallel && waiting.length > 0) {
      running += 1;
      void commit(takeNext()).finally(() => {
        running -= 1;
        start();
      });
    }
  }

  return {
    add(item) {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (scheduled || running >= parallel) return;
        // Those that come in this turn of the loop come along.
        scheduled = true;
        setImmediate(start);
      });
    },
  };
}
