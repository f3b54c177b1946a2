/**
 * The multipart uploads of one bucket that are in progress, with their stored parts. It is a cache of the files, so
 * that 10,000 parts are listed and completed without opening 10,000 files.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openRecord } from './files.ts';
import type { ObjectRecord } from './record.ts';
import type { UploadInfo } from './upload-info.ts';

/** The part of a part's record that ListParts and completion need. */
export type StoredPart = Pick<ObjectRecord, 'size' | 'etag' | 'modified' | 'checksum' | 'extents'>;

export interface UploadIndex {
  get(multipartId: string): UploadInfo | undefined;
  add(upload: UploadInfo): void;
  delete(multipartId: string): void;
  /** Sorted by key, then by the time of initiation. */
  list(): UploadInfo[];
  part(multipartId: string, partNumber: number): StoredPart | undefined;
  /** Sorted by part number. */
  parts(multipartId: string): ReadonlyMap<number, StoredPart>;
  setPart(multipartId: string, partNumber: number, part: StoredPart): void;
}

/** How many uploads have their parts in memory, with about 200 bytes per part. Others are read again when needed. */
const maxCachedUploads = 32;

export function createUploadIndex(uploadsPath: string): UploadIndex {
  const uploads = new Map<string, UploadInfo>();
  const cachedParts = new Map<string, Map<number, StoredPart>>();

  const getParts = (multipartId: string) => {
    const parts = cachedParts.get(multipartId) ?? readPartFiles(join(uploadsPath, multipartId));
    cachedParts.delete(multipartId);
    cachedParts.set(multipartId, parts);
    if (cachedParts.size > maxCachedUploads) cachedParts.delete(cachedParts.keys().next().value as string);
    return parts;
  };

  return {
    get: (multipartId) => uploads.get(multipartId),
    add: (upload) => void uploads.set(upload.multipartId, upload),
    delete(multipartId) {
      uploads.delete(multipartId);
      cachedParts.delete(multipartId);
    },
    list: () =>
      [...uploads.values()].sort(
        (a, b) => compare(a.key, b.key) || a.initiated - b.initiated || compare(a.multipartId, b.multipartId),
      ),
    part: (multipartId, partNumber) => getParts(multipartId).get(partNumber),
    parts: (multipartId) => new Map([...getParts(multipartId)].sort(([a], [b]) => a - b)),
    setPart: (multipartId, partNumber, part) => void getParts(multipartId).set(partNumber, pickStoredPart(part)),
  };
}

function pickStoredPart({ size, etag, modified, checksum, extents }: StoredPart): StoredPart {
  return { size, etag, modified, ...(checksum ? { checksum } : {}), ...(extents ? { extents } : {}) };
}

/** The file of a part has the same format as that of an object. */
function readPartFiles(folder: string): Map<number, StoredPart> {
  const parts = new Map<number, StoredPart>();
  for (const name of readdirSync(folder)) {
    if (!name.startsWith('part-')) continue;
    const opened = openRecord(join(folder, name));
    opened?.close();
    if (opened) parts.set(Number(name.slice('part-'.length)), pickStoredPart(opened.record));
  }
  return parts;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
