/** The bytes of a copy: by reference where the file system can, and unread where all that is told of them is known. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenObject } from './bucket.ts';
import type { ObjectCall } from './call.ts';
import { type Algorithm, defaultAlgorithm } from './checksums.ts';
import { isSinglePartEtag } from './copy-source.ts';
import { combineCrcs } from './crc-combine.ts';
import { createDigests, createOpaqueEtag } from './digests.ts';
import { linkFiles, minLinkBytes } from './extents.ts';
import { type Draft, writeJson } from './files.ts';
import type { ObjectRecord } from './record.ts';
import { ownerFile, uploadFolder } from './upload-folders.ts';
import type { FolderOwner } from './upload-info.ts';

/** Up to here what was sent in parts gets the MD5 and the checksum of the whole, which have to be read for it. */
const maxExactBytes = 64 * 1024 ** 2;

type Content = Pick<ObjectRecord, 'etag' | 'checksum' | 'multipartId' | 'extents'>;

/**
 * Leaves the bytes in the draft, or in a folder that the copy's record has to name.
 * `asked` is the algorithm that the request names.
 */
export async function copyContent(
  call: ObjectCall,
  object: OpenObject,
  draft: Draft,
  requestedAlgorithm: Algorithm | undefined,
): Promise<Content> {
  const { record } = object;
  const algorithm = requestedAlgorithm ?? record.checksum?.algorithm ?? defaultAlgorithm;
  const folder = record.size < minLinkBytes ? undefined : await linkObject(call, object);
  try {
    const known = reuseDigests(record, algorithm, requestedAlgorithm !== undefined);
    const digests = known ? undefined : createDigests(algorithm, { md5: call.store.md5Etags });
    if (digests || !folder)
      for await (const data of object.read(0, record.size)) {
        digests?.update(data);
        if (!folder) draft.write(data);
      }
    if (!digests) return { etag: '', ...known, ...folder };
    const { etag, checksum } = digests.finish();
    return { etag, checksum: { algorithm, value: checksum, type: 'FULL_OBJECT' }, ...folder };
  } catch (error) {
    if (folder) await removeContent(call, folder);
    throw error;
  }
}

/** For a copy that did not come about. */
export async function removeContent({ bucket, store }: ObjectCall, { multipartId }: Partial<Content>): Promise<void> {
  if (multipartId !== undefined) await store.buckets.folderUsage.removeWhenUnused(uploadFolder(bucket, multipartId));
}

async function linkObject(
  { bucket, key, store }: ObjectCall,
  object: OpenObject,
): Promise<Required<Pick<Content, 'multipartId' | 'extents'>> | undefined> {
  const multipartId = randomBytes(32).toString('hex');
  const folder = uploadFolder(bucket, multipartId);
  await mkdir(folder);
  const extents = linkFiles(folder, object.locateBytes(0, object.record.size));
  if (extents) {
    const owner: FolderOwner = { multipartId, key };
    // In this order: a folder without an owner that claims it is removed at the next start.
    await writeJson(store.buckets.draftsPath, join(folder, ownerFile), owner, store.buckets.options);
    return { multipartId, extents };
  }
  await store.buckets.folderUsage.removeWhenUnused(folder);
  return undefined;
}

/** What needs no look at the bytes. */
function reuseDigests(
  { size, etag, checksum, parts = [] }: ObjectRecord,
  algorithm: Algorithm,
  requestedAlgorithm: boolean,
): Pick<Content, 'etag' | 'checksum'> | undefined {
  const isWhole = checksum?.algorithm === algorithm && checksum.type === 'FULL_OBJECT';
  if (isWhole && isSinglePartEtag(etag)) return { etag, checksum };
  if (size <= maxExactBytes) return undefined;
  const copied = isSinglePartEtag(etag) ? etag : createOpaqueEtag(etag);
  if (isWhole) return { etag: copied, checksum };
  const pieces = parts.flatMap((part) => (part.checksum ? [{ checksum: part.checksum, size: part.size }] : []));
  const isComplete = checksum?.algorithm === algorithm && pieces.length === parts.length && pieces.length > 0;
  const value = isComplete ? combineCrcs(algorithm, pieces) : undefined;
  if (value !== undefined) return { etag: copied, checksum: { algorithm, value, type: 'FULL_OBJECT' } };
  return requestedAlgorithm ? undefined : { etag: copied };
}
