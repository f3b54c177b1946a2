import type { Storage } from '../../s3/index.ts';
import { mapLimited } from '../shared/map-limited.ts';

/** Deletes the staged objects of the uploads that one request completed. */
export interface StagedCleanup {
  /** Adds the staged object of an upload whose completion is recorded. After `clear()` it is deleted at once. */
  add(key: string): Promise<void>;
  /** Deletes all added objects. Objects that cannot be deleted are left to the lifecycle rule. */
  clear(): Promise<void>;
}

const parallelDeletes = 8;

/** All objects are deleted in one call to the storage. */
export function createStagedCleanup(storage: Storage): StagedCleanup {
  let added: string[] | null = [];
  const deleteOne = (key: string) => storage.delete(key).catch(() => {});
  return {
    async add(key) {
      if (added) added.push(key);
      else await deleteOne(key);
    },
    async clear() {
      const keys = added ?? [];
      added = null;
      if (keys.length === 0) return;
      // Not every storage can delete many objects in one call.
      const failed = keys.length === 1 ? keys : await storage.deleteMany(keys).then(keysOf, () => keys);
      await mapLimited(failed, parallelDeletes, deleteOne);
    },
  };
}

const keysOf = (failed: readonly { key: string }[]) => failed.map(({ key }) => key);
