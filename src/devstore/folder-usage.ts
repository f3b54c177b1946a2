/** Counts the readers of folders, so that a folder is removed only when nothing reads from it. */
import { removeTree } from './files.ts';

export interface FolderUsage {
  /** Registers a reader of the folder. Returns the function that releases it. */
  acquire(path: string): () => Promise<void>;
  /** Removes the folder now, or when its last reader releases it. */
  removeWhenUnused(path: string): Promise<void>;
}

export function createFolderUsage(): FolderUsage {
  const readers = new Map<string, number>();
  const pendingRemoval = new Set<string>();
  return {
    acquire(path) {
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
        if (pendingRemoval.delete(path)) await removeTree(path);
      };
    },
    async removeWhenUnused(path) {
      if (readers.has(path)) pendingRemoval.add(path);
      else await removeTree(path);
    },
  };
}
