/** The buckets of one data folder. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bucket, type BucketInfo, openBucket } from './bucket.ts';
import { createDraft, type Draft, type DraftOptions, removeTree, writeJson } from './files.ts';
import { createFolderUsage, type FolderUsage } from './folder-usage.ts';
import { createLocks, type Locks } from './locks.ts';
import { recoverUploads } from './upload-folders.ts';

export interface Buckets {
  readonly locks: Locks;
  readonly folderUsage: FolderUsage;
  get(name: string): Bucket | undefined;
  /** Sorted by name. */
  list(): Bucket[];
  /** Returns undefined when the bucket exists already. */
  create(info: BucketInfo): Promise<Bucket | undefined>;
  /** Returns false when the bucket is not empty. */
  remove(bucket: Bucket): Promise<boolean>;
  draft(): Draft;
  /** The folder of the drafts. */
  readonly draftsPath: string;
  readonly options: DraftOptions;
}

export async function openBuckets(directory: string, options: DraftOptions): Promise<Buckets> {
  const root = join(directory, 'buckets');
  const draftsPath = join(directory, 'tmp');
  // Drafts of an earlier process were never visible, so they can be removed.
  await removeTree(draftsPath);
  await mkdir(draftsPath, { recursive: true });
  await mkdir(root, { recursive: true });
  const locks = createLocks();
  const folderUsage = createFolderUsage();
  const buckets = new Map<string, Bucket>();
  const openAt = (info: BucketInfo) =>
    openBucket(info, { path: join(root, info.name), draftsPath, locks, folderUsage, ...options });

  for (const name of await readdir(root)) {
    const info = await readInfo(join(root, name, 'bucket.json'));
    if (!info || info.name !== name) continue;
    const bucket = await openAt(info);
    await recoverUploads(bucket);
    buckets.set(name, bucket);
  }

  return {
    locks,
    folderUsage,
    draftsPath,
    options,
    get: (name) => buckets.get(name),
    list: () => [...buckets.values()].sort((a, b) => (a.info.name < b.info.name ? -1 : 1)),
    create: (info) =>
      locks.run(`${info.name}`, async () => {
        if (buckets.has(info.name)) return undefined;
        const path = join(root, info.name);
        await removeTree(path);
        await mkdir(path, { recursive: true });
        const bucket = await openAt(info);
        // This is the last step: a folder without this file is not a bucket.
        await writeJson(draftsPath, join(path, 'bucket.json'), info, options);
        buckets.set(info.name, bucket);
        return bucket;
      }),
    remove: (bucket) =>
      locks.run(`${bucket.info.name}`, async () => {
        if (!(await bucket.closeIfEmpty())) return false;
        buckets.delete(bucket.info.name);
        await folderUsage.removeWhenUnused(bucket.path);
        return true;
      }),
    draft: () => createDraft(draftsPath, options),
  };
}

async function readInfo(path: string): Promise<BucketInfo | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as BucketInfo;
  } catch {
    return null;
  }
}
