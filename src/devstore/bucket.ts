/**
 * The objects of one bucket: a folder with one file per key, and an index of the keys in memory. Every change of a key
 * holds the lock of that key and becomes visible by one rename.
 */
import { mkdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorsRule } from './cors-rules.ts';
import { type Draft, type DraftOptions, isMissing, writeJson } from './files.ts';
import type { FolderUsage } from './folder-usage.ts';
import { createKeyIndex, type KeyIndex } from './key-index.ts';
import { createKeyWatches, type KeyWatch } from './key-watches.ts';
import type { Locks } from './locks.ts';
import { type OpenObject, openObjectFiles, readKeys } from './object-files.ts';
import type { ObjectRecord } from './record.ts';
import { createUploadIndex, type UploadIndex } from './upload-index.ts';

/** The content of bucket.json. */
export interface BucketInfo {
  name: string;
  ownerId: string;
  region: string;
  /** Milliseconds since the epoch. */
  created: number;
  cors?: CorsRule[];
  tags?: [key: string, value: string][];
  /** The names of the default settings that were deleted. */
  removed?: string[];
}

/** The part of a record that listings contain. */
export type Summary = Pick<ObjectRecord, 'size' | 'etag' | 'modified' | 'checksum' | 'storageClass'>;

export interface Bucket {
  readonly info: BucketInfo;
  readonly keys: KeyIndex;
  open(key: string): Promise<OpenObject | null>;
  head(key: string): Promise<ObjectRecord | null>;
  summary(key: string): Promise<Summary | null>;
  /** Runs `check` on the existing record, then publishes the finished draft as the object. */
  commit(record: ObjectRecord, draft: Draft, check?: (existing: ObjectRecord | null) => void): Promise<void>;
  /** Returns false when there was no object. */
  delete(key: string, check?: (existing: ObjectRecord | null) => void): Promise<boolean>;
  /** Returns false when there is no such object. */
  setTags(key: string, tags: ObjectRecord['tags']): Promise<boolean>;
  watch(key: string): KeyWatch;
  save(change: Partial<BucketInfo>): Promise<void>;
  /** The folder of the multipart uploads. */
  readonly uploadsPath: string;
  /** The multipart uploads in progress. */
  readonly uploads: UploadIndex;
  /**
   * Prevents further writes, before the bucket is deleted. Returns false, without a change, when it contains objects.
   */
  closeIfEmpty(): Promise<boolean>;
  readonly path: string;
}

export interface BucketOptions extends DraftOptions {
  path: string;
  draftsPath: string;
  locks: Locks;
  folderUsage: FolderUsage;
}

const maxSummaries = 20_000;

export async function openBucket(info: BucketInfo, options: BucketOptions): Promise<Bucket> {
  const { path, draftsPath, locks, folderUsage } = options;
  const objectsPath = join(path, 'objects');
  const tagsPath = join(path, 'tags');
  const uploadsPath = join(path, 'uploads');
  for (const folder of [objectsPath, tagsPath, uploadsPath]) await mkdir(folder, { recursive: true });
  const keys = createKeyIndex(await readKeys(objectsPath));
  const files = await openObjectFiles({ ...options, objectsPath, tagsPath, uploadsPath, draftsPath, folderUsage });
  const watches = createKeyWatches();
  const summaries = createSummaryCache();
  const head = async (key: string) => (keys.has(key) ? files.head(key) : null);
  const lock = <T>(key: string, work: () => Promise<T>) => locks.run(`${info.name}/${key}`, work);

  return {
    info,
    path,
    keys,
    uploadsPath,
    uploads: createUploadIndex(uploadsPath),
    open: async (key) => (keys.has(key) ? files.open(key) : null),
    head,
    async summary(key) {
      const known = summaries.get(key);
      if (known) return known;
      const record = await head(key);
      if (record && keys.has(key)) summaries.set(key, record);
      return record;
    },
    commit: (record, draft, check) =>
      lock(record.key, async () => {
        const existing = await head(record.key);
        check?.(existing);
        await draft.publish(files.pathOf(record.key));
        keys.add(record.key);
        summaries.set(record.key, record);
        watches.notify(record.key, 'written');
        await files.removeOldFiles(record.key, existing);
      }),
    delete: (key, check) =>
      lock(key, async () => {
        const existing = await head(key);
        check?.(existing);
        if (!existing) return false;
        keys.delete(key);
        summaries.delete(key);
        await unlink(files.pathOf(key));
        watches.notify(key, 'deleted');
        await files.removeOldFiles(key, existing);
        return true;
      }),
    setTags: (key, tags) =>
      lock(key, async () => {
        const existing = await head(key);
        if (!existing) return false;
        await files.setTags(existing, tags);
        return true;
      }),
    watch: watches.watch,
    async save(change) {
      Object.assign(info, change);
      await writeJson(draftsPath, join(path, 'bucket.json'), info, options);
    },
    async closeIfEmpty() {
      if (keys.size > 0) return false;
      try {
        await rmdir(objectsPath);
      } catch (error) {
        if (!isMissing(error)) return false;
      }
      return true;
    },
  };
}

/** The summaries of recently listed or written objects. */
function createSummaryCache() {
  const summaries = new Map<string, Summary>();
  return {
    get: (key: string) => summaries.get(key),
    delete: (key: string) => summaries.delete(key),
    set(key: string, { size, etag, modified, checksum, storageClass }: ObjectRecord) {
      summaries.delete(key);
      summaries.set(key, { size, etag, modified, storageClass, ...(checksum ? { checksum } : {}) });
      if (summaries.size > maxSummaries) summaries.delete(summaries.keys().next().value as string);
    },
  };
}
