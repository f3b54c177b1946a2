/**
 * The objects of one bucket: a folder with one file per key, and an index of the keys in memory. Every change of a key
 * holds the lock of that key and becomes visible by one rename.
 */
import { mkdir, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorsRule } from './cors-rules.ts';
import { type FileRange, locateBytes, readExtents, slice } from './extents.ts';
import { type Draft, type DraftOptions, isMissing, openRecord, writeJson } from './files.ts';
import type { FolderUsage } from './folder-usage.ts';
import { createKeyIndex, type KeyIndex } from './key-index.ts';
import { fileNameToKey, keyToFileName } from './keys.ts';
import type { Locks } from './locks.ts';
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
  /** The default settings that were deleted. */
  removed?: string[];
}

/** An object that is being read. It stays readable after it is replaced or deleted. */
export interface OpenObject {
  readonly record: ObjectRecord;
  /** Yields `length` bytes from `start`. */
  read(start: number, length: number): AsyncIterable<Buffer>;
  /** The files that contain those bytes. */
  locateBytes(start: number, length: number): FileRange[];
  close(): Promise<void>;
}

/** The part of a record that listings contain. */
export type Summary = Pick<ObjectRecord, 'size' | 'etag' | 'modified' | 'checksum' | 'storageClass'>;

/** Records what happens to a key while a conditional write is in progress. */
export interface KeyWatch {
  deleted: boolean;
  written: boolean;
  end(): void;
}

export interface Bucket {
  readonly info: BucketInfo;
  readonly keys: KeyIndex;
  open(key: string): Promise<OpenObject | null>;
  head(key: string): Promise<ObjectRecord | null>;
  summary(key: string): Promise<Summary | null>;
  /** Runs `check` on the existing record, then publishes the sealed draft as the object. */
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
  const filesWithTags = new Set(await readdir(tagsPath));
  const summaries = new Map<string, Summary>();
  const watches = new Map<string, Set<KeyWatch>>();
  const lockName = (key: string) => `${info.name}/${key}`;

  const cacheSummary = (key: string, record: ObjectRecord) => {
    const { size, etag, modified, checksum, storageClass } = record;
    summaries.delete(key);
    summaries.set(key, { size, etag, modified, storageClass, ...(checksum ? { checksum } : {}) });
    if (summaries.size > maxSummaries) summaries.delete(summaries.keys().next().value as string);
  };

  /** Tags that were changed later are in a separate file, and apply only to the object with the same id. */
  const withTags = async (name: string, record: ObjectRecord): Promise<ObjectRecord> => {
    if (!filesWithTags.has(name)) return record;
    try {
      const json = await readFile(join(tagsPath, name), 'utf8');
      const { id, tags } = JSON.parse(json) as Pick<ObjectRecord, 'id' | 'tags'>;
      return id === record.id ? { ...record, tags } : record;
    } catch (error) {
      if (isMissing(error)) return record;
      throw error;
    }
  };

  const open = async (key: string): Promise<OpenObject | null> => {
    if (!keys.has(key)) return null;
    const name = keyToFileName(key);
    const path = join(objectsPath, name);
    const opened = openRecord(path);
    if (!opened) return null;
    const { multipartId, size, id } = opened.record;
    const folder = join(uploadsPath, multipartId ?? '');
    const release = multipartId === undefined ? undefined : folderUsage.acquire(folder);
    try {
      const record = await withTags(name, opened.record);
      return {
        record,
        read: (start, length) =>
          multipartId === undefined ? opened.read(start, length) : readExtents(folder, opened.record, start, length),
        locateBytes: (start, length) =>
          slice(
            multipartId === undefined ? [{ path, start: 0, size, id }] : locateBytes(folder, opened.record),
            start,
            length,
          ),
        async close() {
          opened.close();
          await release?.();
        },
      };
    } catch (error) {
      opened.close();
      await release?.();
      throw error;
    }
  };

  const head = async (key: string): Promise<ObjectRecord | null> => {
    if (!keys.has(key)) return null;
    const name = keyToFileName(key);
    const opened = openRecord(join(objectsPath, name));
    opened?.close();
    return opened && withTags(name, opened.record);
  };

  const notify = (key: string, what: 'deleted' | 'written') => {
    for (const watch of watches.get(key) ?? []) watch[what] = true;
  };

  /** Removes the files that only the replaced or deleted object used. */
  const removeOldFiles = async (name: string, gone: ObjectRecord | null) => {
    if (filesWithTags.delete(name)) await unlink(join(tagsPath, name)).catch(() => {});
    if (gone?.multipartId !== undefined) await folderUsage.removeWhenUnused(join(uploadsPath, gone.multipartId));
  };

  return {
    info,
    path,
    keys,
    uploadsPath,
    uploads: createUploadIndex(uploadsPath),
    open,
    head,
    async summary(key) {
      const known = summaries.get(key);
      if (known) return known;
      const record = await head(key);
      if (record && keys.has(key)) cacheSummary(key, record);
      return record;
    },
    commit: (record, draft, check) =>
      locks.run(lockName(record.key), async () => {
        const existing = await head(record.key);
        check?.(existing);
        const name = keyToFileName(record.key);
        await draft.publish(join(objectsPath, name));
        keys.add(record.key);
        cacheSummary(record.key, record);
        notify(record.key, 'written');
        await removeOldFiles(name, existing);
      }),
    delete: (key, check) =>
      locks.run(lockName(key), async () => {
        const existing = await head(key);
        check?.(existing);
        if (!existing) return false;
        const name = keyToFileName(key);
        keys.delete(key);
        summaries.delete(key);
        await unlink(join(objectsPath, name));
        notify(key, 'deleted');
        await removeOldFiles(name, existing);
        return true;
      }),
    setTags: (key, tags) =>
      locks.run(lockName(key), async () => {
        const existing = await head(key);
        if (!existing) return false;
        const name = keyToFileName(key);
        await writeJson(draftsPath, join(tagsPath, name), { id: existing.id, tags }, options);
        filesWithTags.add(name);
        return true;
      }),
    watch(key) {
      const of = watches.get(key) ?? new Set();
      watches.set(key, of);
      const watch: KeyWatch = {
        deleted: false,
        written: false,
        end() {
          of.delete(watch);
          if (of.size === 0 && watches.get(key) === of) watches.delete(key);
        },
      };
      of.add(watch);
      return watch;
    },
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

async function readKeys(objectsPath: string): Promise<string[]> {
  const keys: string[] = [];
  for (const name of await readdir(objectsPath)) {
    const key = fileNameToKey(name) ?? readKey(join(objectsPath, name));
    if (key !== null) keys.push(key);
  }
  return keys;
}

function readKey(path: string): string | null {
  const opened = openRecord(path);
  opened?.close();
  return opened?.record.key ?? null;
}
