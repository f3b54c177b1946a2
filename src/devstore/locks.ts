/** Runs one function at a time per name, so that checking an object and replacing it is atomic. */
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
