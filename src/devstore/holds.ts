/** Folders that somebody still reads from are removed when the last reader is done. */
import { removeTree } from './files.ts';

export interface Holds {
  /** Returns the release. */
  hold(path: string): () => Promise<void>;
  /** Removes the folder, now or when it is let go. */
  dispose(path: string): Promise<void>;
}

export function createHolds(): Holds {
  const readers = new Map<string, number>();
  const doomed = new Set<string>();
  return {
    hold(path) {
      readers.set(path, (readers.get(path) ?? 0) + 1);
      let released = false;
      return async () => {
        if (released) return;
        released = true;
        const left = (readers.get(path) ?? 1) - 1;
        if (left > 0) {
          readers.set(path, left);
          return;
        }
        readers.delete(path);
        if (doomed.delete(path)) await removeTree(path);
      };
    },
    async dispose(path) {
      if (readers.has(path)) doomed.add(path);
      else await removeTree(path);
    },
  };
}
