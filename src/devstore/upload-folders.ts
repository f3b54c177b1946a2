/**
 * The folders of multipart uploads. `upload.json` marks one that is under way; once it is completed, `object.json` says
 * which object's bytes it holds. A crash between those two steps is put right at the next start.
 */
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from './bucket.ts';
import type { Algorithm, ChecksumType } from './checksums.ts';
import { openRecord, removeTree } from './files.ts';
import type { ObjectRecord } from './record.ts';

export interface UploadInfo {
  multipartId: string;
  /** Byte string. */
  key: string;
  ownerId: string;
  /** Milliseconds since the epoch. */
  initiated: number;
  headers: ObjectRecord['headers'];
  metadata: ObjectRecord['metadata'];
  tags: ObjectRecord['tags'];
  storageClass: string;
  /** Undefined when Create did not name one. */
  algorithm?: Algorithm;
  type?: ChecksumType;
}

/** What a completed upload remembers, so that the same Complete succeeds again. */
export interface CompletedUpload extends UploadInfo {
  /** `number:etag` of each part, joined by commas. */
  partList: string;
}

export const underWay = 'upload.json';
export const completed = 'object.json';

export function uploadFolder(bucket: Bucket, multipartId: string): string {
  return join(bucket.uploadsPath, multipartId);
}

export function partPath(bucket: Bucket, multipartId: string, partNumber: number): string {
  return join(uploadFolder(bucket, multipartId), partFileName(partNumber));
}

export function partFileName(partNumber: number): string {
  return `part-${String(partNumber).padStart(5, '0')}`;
}

/** An id comes from the wire and becomes a folder's name: nothing but what {@link newMultipartId} makes passes. */
const idShape = /^[0-9a-f]{64}$/;

async function readInfo<T extends UploadInfo>(bucket: Bucket, multipartId: string, name: string): Promise<T | null> {
  if (!idShape.test(multipartId)) return null;
  try {
    return JSON.parse(await readFile(join(uploadFolder(bucket, multipartId), name), 'utf8')) as T;
  } catch {
    return null;
  }
}

export function readUpload(bucket: Bucket, multipartId: string): Promise<UploadInfo | null> {
  return readInfo<UploadInfo>(bucket, multipartId, underWay);
}

export function readCompleted(bucket: Bucket, multipartId: string): Promise<CompletedUpload | null> {
  return readInfo<CompletedUpload>(bucket, multipartId, completed);
}

/** By key, and then by when they were initiated. */
export async function listUploads(bucket: Bucket): Promise<UploadInfo[]> {
  const found = await Promise.all((await uploadIds(bucket)).map((id) => readUpload(bucket, id)));
  return found
    .filter((upload) => upload !== null)
    .sort((a, b) => compare(a.key, b.key) || a.initiated - b.initiated || compare(a.multipartId, b.multipartId));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function uploadIds(bucket: Bucket): Promise<string[]> {
  await mkdir(bucket.uploadsPath, { recursive: true });
  return readdir(bucket.uploadsPath);
}

/** By number. A part is a file like an object's: bytes, then a record. */
export async function readParts(bucket: Bucket, multipartId: string): Promise<Map<number, ObjectRecord>> {
  const names = (await readdir(uploadFolder(bucket, multipartId))).filter((name) => name.startsWith('part-')).sort();
  const parts = new Map<number, ObjectRecord>();
  for (const name of names) {
    const opened = openRecord(join(uploadFolder(bucket, multipartId), name));
    opened?.close();
    if (opened) parts.set(Number(name.slice('part-'.length)), opened.record);
  }
  return parts;
}

/** At start: finish what a completed upload left half done, remove what belongs to nothing. */
export async function sweepUploads(bucket: Bucket): Promise<void> {
  for (const id of await uploadIds(bucket)) {
    const pending = await readUpload(bucket, id);
    const info = pending ?? (await readCompleted(bucket, id));
    const owner = info ? await bucket.head(info.key) : null;
    if (owner?.multipartId === id) {
      if (pending) await unlink(join(uploadFolder(bucket, id), underWay));
    } else if (!pending) await removeTree(uploadFolder(bucket, id));
  }
}
