/**
 * Group commit: what comes while a transaction runs waits, and shares the next one. Under load a commit (a sync of the disk)
 * is paid once for all of them; alone, nothing waits.
 */
export interface Group<In, Out> {
  add(item: In): Promise<Out>;
}

export interface GroupOptions<In, Out> {
  /** All in one transaction: one result for each, in order. When it throws, each is tried alone. */
  run(items: readonly In[]): Promise<Out[]>;
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

export function createGroup<In, Out>({ run, parallel, most }: GroupOptions<In, Out>): Group<In, Out> {
  const waiting: Waiting<In, Out>[] = [];
  let running = 0;
  let scheduled = false;

  async function commit(group: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await run(group.map(({ item }) => item));
      for (const [index, one] of group.entries()) one.resolve(results[index] as Out);
    } catch (error) {
      if (group.length === 1) return group[0]?.reject(error);
      // One of them is at fault, and the others are not.
      for (const one of group) await commit([one]);
    }
  }

  function start(): void {
    scheduled = false;
    while (running < parallel && waiting.length > 0) {
      running += 1;
      void commit(waiting.splice(0, most)).finally(() => {
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
