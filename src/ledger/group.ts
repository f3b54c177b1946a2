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
  /** Whether what `run` threw is the fault of one of them: each is tried alone then. Otherwise it is everybody's answer. */
  oneIsAtFault(error: unknown): boolean;
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

export function createGroup<In, Out>({ run, oneIsAtFault, parallel, most }: GroupOptions<In, Out>): Group<In, Out> {
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
      else for (const one of group) await commit([one]);
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
