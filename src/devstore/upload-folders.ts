/**
 * The folders of multipart uploads and of copies. `upload.json` marks an upload in progress; `object.json` names the
 * object whose bytes the folder contains. The next start recovers from a crash between any two steps.
 */
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from './bucket.ts';
import { removeTree } from './files.ts';
import type { Extent } from './record.ts';
import { type FolderOwner, partFileName, type UploadInfo } from './upload-info.ts';

export const uploadInfoFile = 'upload.json';
export const ownerFile = 'object.json';

export function uploadFolder(bucket: Bucket, multipartId: string): string {
  return join(bucket.uploadsPath, multipartId);
}

export function partPath(bucket: Bucket, multipartId: string, partNumber: number): string {
  return join(uploadFolder(bucket, multipartId), partFileName(partNumber));
}

/** An id from a request becomes the name of a folder, so it must have the form that CreateMultipartUpload generates. */
const idPattern = /^[0-9a-f]{64}$/;

async function readInfo<T>(bucket: Bucket, multipartId: string, name: string): Promise<T | null> {
  if (!idPattern.test(multipartId)) return null;
  try {
    return JSON.parse(await readFile(join(uploadFolder(bucket, multipartId), name), 'utf8')) as T;
  } catch {
    return null;
  }
}

export function readOwner(bucket: Bucket, multipartId: string): Promise<FolderOwner | null> {
  return readInfo<FolderOwner>(bucket, multipartId, ownerFile);
}

/** Removes parts that were not selected or were replaced. `used` are the part numbers of the object. */
export async function removeUnusedFiles(
  folder: string,
  storedParts: ReadonlyMap<number, { extents?: readonly Extent[] }>,
  used: ReadonlySet<number>,
): Promise<void> {
  const needed = new Set([ownerFile, uploadInfoFile]);
  for (const number of used) {
    needed.add(partFileName(number));
    for (const { file } of storedParts.get(number)?.extents ?? []) needed.add(file);
  }
  for (const name of await readdir(folder)) if (!needed.has(name)) await unlink(join(folder, name));
}

/** At start: loads uploads in progress, finishes interrupted completions, and removes folders without an owner. */
export async function recoverUploads(bucket: Bucket): Promise<void> {
  await mkdir(bucket.uploadsPath, { recursive: true });
  for (const id of await readdir(bucket.uploadsPath)) {
    const pending = await readInfo<UploadInfo>(bucket, id, uploadInfoFile);
    const info = pending ?? (await readOwner(bucket, id));
    const object = info ? await bucket.head(info.key) : null;
    if (object?.multipartId === id) {
      if (pending) await finishCompletion(bucket, id, object.parts ?? []);
    } else if (pending) bucket.uploads.add(pending);
    else await removeTree(uploadFolder(bucket, id));
  }
}

async function finishCompletion(
  bucket: Bucket,
  multipartId: string,
  parts: readonly { partNumber: number }[],
): Promise<void> {
  const folder = uploadFolder(bucket, multipartId);
  const used = new Set(parts.map(({ partNumber }) => partNumber));
  await removeUnusedFiles(folder, bucket.uploads.parts(multipartId), used);
  bucket.uploads.delete(multipartId);
  // Removed last: until then the next start repeats these steps.
  await unlink(join(folder, uploadInfoFile));
}
