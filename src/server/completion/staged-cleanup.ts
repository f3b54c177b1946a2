import type { Storage } from '../../s3/index.ts';
import { mapLimited } from '../shared/map-limited.ts';

/** The staged objects that one request made files of. */
export interface StagedCleanup {
  /** Of a file that is recorded as one: only then nobody needs its staged object any more. */
  take(key: string): Promise<void>;
  /** Deletes all that was taken; what is taken later goes at once. What cannot be deleted is the lifecycle rule's. */
  clear(): Promise<void>;
}

const parallelDeletes = 8;

/** One call to the storage for all of a batch. */
export function createStagedCleanup(storage: Storage): StagedCleanup {
  let taken: string[] | null = [];
  const deleteOne = (key: string) => storage.delete(key).catch(() => {});
  return {
    async take(key) {
      if (taken) taken.push(key);
      else await deleteOne(key);
    },
    async clear() {
      const keys = taken ?? [];
      taken = null;
      if (keys.length === 0) return;
      // Not every storage knows how to delete many, and each one to delete one.
      const failed = keys.length === 1 ? keys : await storage.deleteMany(keys).then(keysOf, () => keys);
      await mapLimited(failed, parallelDeletes, deleteOne);
    },
  };
}

const keysOf = (failed: readonly { key: string }[]) => failed.map(({ key }) => key);
