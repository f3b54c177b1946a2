/** One at a time per name: what looks at an object and then replaces it must not be interleaved with another. */
export interface Locks {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function createLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async run(name, work) {
      const previous = tails.get(name);
      const current = previous ? previous.then(work, work) : work();
      const settled = current.catch(() => {});
      tails.set(name, settled);
      try {
        return await current;
      } finally {
        if (tails.get(name) === settled) tails.delete(name);
      }
    },
  };
}
