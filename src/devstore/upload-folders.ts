/**
 * The folders of multipart uploads. `upload.json` marks one that is under way; once it is completed, `object.json` says
 * which object's bytes it holds. A crash between those two steps is put right at the next start.
 */
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from './bucket.ts';
import type { Algorithm, ChecksumType } from './checksums.ts';
import { removeTree } from './files.ts';
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

export const underWay = 'upload.json';
export const completed = 'object.json';

export async function readUpload(bucket: Bucket, multipartId: string, name = underWay): Promise<UploadInfo | null> {
  if (!/^[A-Za-z0-9_-]{16,128}$/.test(multipartId)) return null;
  try {
    return JSON.parse(await readFile(join(bucket.uploadsPath, multipartId, name), 'utf8')) as UploadInfo;
  } catch {
    return null;
  }
}

export async function listUploads(bucket: Bucket): Promise<UploadInfo[]> {
  const found = await Promise.all((await uploadFolders(bucket)).map((id) => readUpload(bucket, id)));
  return found.filter((upload) => upload !== null);
}

async function uploadFolders(bucket: Bucket): Promise<string[]> {
  await mkdir(bucket.uploadsPath, { recursive: true });
  return readdir(bucket.uploadsPath);
}

/** At start: finish what a completed upload left half done, remove what belongs to nothing. */
export async function sweepUploads(bucket: Bucket): Promise<void> {
  for (const id of await uploadFolders(bucket)) {
    const folder = join(bucket.uploadsPath, id);
    const pending = await readUpload(bucket, id);
    const info = pending ?? (await readUpload(bucket, id, completed));
    const owner = info ? await bucket.head(info.key) : null;
    if (owner?.multipartId === id) {
      if (pending) await unlink(join(folder, underWay));
    } else if (!pending) await removeTree(folder);
  }
}
