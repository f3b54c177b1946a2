/**
 * Group commit: items that arrive while a transaction runs share the next one. Under load one commit (a sync of the
 * disk) serves many items; without load no item waits.
 */
export interface Group<In, Out> {
  add(item: In): Promise<Out>;
}

export interface GroupOptions<In, Out> {
  /** Runs one transaction for all items. Returns one result for each, in order. */
  run(items: readonly In[]): Promise<Out[]>;
  /**
   * Whether a single item can have caused an error of `run`. The group is then halved until that item is alone, so that
   * only its call fails. Any other error rejects the calls of all items.
   */
  isCausedByOneItem(error: unknown): boolean;
  bytesOf(item: In): number;
  /** The maximum of bytes in one transaction. A single larger item gets a transaction of its own. */
  maxBytes: number;
  /** The maximum of transactions at the same time. */
  maxParallel: number;
  /** The maximum of items in one transaction. */
  maxItems: number;
}

interface Waiting<In, Out> {
  item: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

export function createGroup<In, Out>({
  run,
  isCausedByOneItem,
  bytesOf,
  maxBytes,
  maxParallel,
  maxItems,
}: GroupOptions<In, Out>): Group<In, Out> {
  const waiting: Waiting<In, Out>[] = [];
  let running = 0;
  let scheduled = false;

  async function commit(group: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await run(group.map(({ item }) => item));
      for (const [index, one] of group.entries()) one.resolve(results[index] as Out);
    } catch (error) {
      // When the database does not answer, it must not be asked again for every single item.
      if (group.length === 1 || !isCausedByOneItem(error)) for (const one of group) one.reject(error);
      else {
        const half = Math.ceil(group.length / 2);
        await commit(group.slice(0, half));
        await commit(group.slice(half));
      }
    }
  }

  function takeGroup(): Waiting<In, Out>[] {
    let count = 0;
    let bytes = 0;
    for (const { item } of waiting) {
      bytes += bytesOf(item);
      if (count > 0 && (count === maxItems || bytes > maxBytes)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  function start(): void {
    scheduled = false;
    while (running < maxParallel && waiting.length > 0) {
      running += 1;
      void commit(takeGroup()).finally(() => {
        running -= 1;
        start();
      });
    }
  }

  return {
    add(item) {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (scheduled || running >= maxParallel) return;
        // Items that are added in the same turn of the event loop share the transaction.
        scheduled = true;
        setImmediate(start);
      });
    },
  };
}
