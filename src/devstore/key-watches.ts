/** Tells conditional writes which keys were written or deleted while they were in progress. */

/** What happened to a key since the watch began. */
export interface KeyWatch {
  deleted: boolean;
  written: boolean;
  end(): void;
}

export interface KeyWatches {
  watch(key: string): KeyWatch;
  notify(key: string, change: 'deleted' | 'written'): void;
}

export function createKeyWatches(): KeyWatches {
  const watchesByKey = new Map<string, Set<KeyWatch>>();
  return {
    watch(key) {
      const watches = watchesByKey.get(key) ?? new Set();
      watchesByKey.set(key, watches);
      const watch: KeyWatch = {
        deleted: false,
        written: false,
        end() {
          watches.delete(watch);
          if (watches.size === 0 && watchesByKey.get(key) === watches) watchesByKey.delete(key);
        },
      };
      watches.add(watch);
      return watch;
    },
    notify(key, change) {
      for (const watch of watchesByKey.get(key) ?? []) watch[change] = true;
    },
  };
}
