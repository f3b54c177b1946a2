/** One at a time per name: what looks at an object and then replaces it must not be interleaved with another. */
export interface Locks {
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
}

export function createLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async run(name, work) {
      const before = tails.get(name);
      const mine = before ? before.then(work, work) : work();
      const settled = mine.catch(() => {});
      tails.set(name, settled);
      try {
        return await mine;
      } finally {
        if (tails.get(name) === settled) tails.delete(name);
      }
    },
  };
}
