/** The files of the objects of one bucket: one per key, and one more for tags that were changed after the upload. */
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileRange, locateBytes, readExtents, slice } from './extents.ts';
import { type DraftOptions, isMissing, openRecord, writeJson } from './files.ts';
import type { FolderUsage } from './folder-usage.ts';
import { fileNameToKey, keyToFileName } from './keys.ts';
import type { ObjectRecord } from './record.ts';

/** An object that is being read. It stays readable after it is replaced or deleted. */
export interface OpenObject {
  readonly record: ObjectRecord;
  /** Yields `length` bytes from `start`. */
  read(start: number, length: number): AsyncIterable<Buffer>;
  /** The files that contain those bytes. */
  locateBytes(start: number, length: number): FileRange[];
  close(): Promise<void>;
}

export interface ObjectFiles {
  /** Returns null when there is no file for the key. */
  open(key: string): Promise<OpenObject | null>;
  /** Returns null when there is no file for the key. */
  head(key: string): Promise<ObjectRecord | null>;
  pathOf(key: string): string;
  setTags(record: ObjectRecord, tags: ObjectRecord['tags']): Promise<void>;
  /** Removes the files that only the replaced or deleted object used. */
  removeOldFiles(key: string, old: ObjectRecord | null): Promise<void>;
}

export interface ObjectFilesOptions extends DraftOptions {
  objectsPath: string;
  tagsPath: string;
  uploadsPath: string;
  draftsPath: string;
  folderUsage: FolderUsage;
}

export async function openObjectFiles(options: ObjectFilesOptions): Promise<ObjectFiles> {
  const { objectsPath, tagsPath, uploadsPath, draftsPath, folderUsage } = options;
  const filesWithTags = new Set(await readdir(tagsPath));
  const pathOf = (key: string) => join(objectsPath, keyToFileName(key));

  /** Tags that were changed later are in a separate file, and apply only to the object with the same id. */
  const withTags = async (record: ObjectRecord): Promise<ObjectRecord> => {
    const name = keyToFileName(record.key);
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

  return {
    pathOf,
    async open(key) {
      const path = pathOf(key);
      const opened = openRecord(path);
      if (!opened) return null;
      const { multipartId, size, id } = opened.record;
      const folder = join(uploadsPath, multipartId ?? '');
      const release = multipartId === undefined ? undefined : folderUsage.acquire(folder);
      const close = async () => {
        opened.close();
        await release?.();
      };
      try {
        const record = await withTags(opened.record);
        if (multipartId === undefined)
          return {
            record,
            read: opened.read,
            locateBytes: (start, length) => slice([{ path, start: 0, size, id }], start, length),
            close,
          };
        return {
          record,
          read: (start, length) => readExtents(folder, opened.record, start, length),
          locateBytes: (start, length) => slice(locateBytes(folder, opened.record), start, length),
          close,
        };
      } catch (error) {
        await close();
        throw error;
      }
    },
    async head(key) {
      const opened = openRecord(pathOf(key));
      opened?.close();
      return opened && withTags(opened.record);
    },
    async setTags({ key, id }, tags) {
      const name = keyToFileName(key);
      await writeJson(draftsPath, join(tagsPath, name), { id, tags }, options);
      filesWithTags.add(name);
    },
    async removeOldFiles(key, old) {
      const name = keyToFileName(key);
      if (filesWithTags.delete(name)) await unlink(join(tagsPath, name)).catch(() => {});
      if (old?.multipartId !== undefined) await folderUsage.removeWhenUnused(join(uploadsPath, old.multipartId));
    },
  };
}

/** Reads the keys of all objects in a folder. */
export async function readKeys(objectsPath: string): Promise<string[]> {
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
