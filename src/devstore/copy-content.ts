/** Creates the content of a copy: by hard links where possible, and without reading bytes whose digests are known. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectCall } from './call.ts';
import { type Algorithm, defaultAlgorithm } from './checksums.ts';
import { isSinglePartEtag } from './copy-source.ts';
import { combineCrcs } from './crc-combine.ts';
import { createDigests, createOpaqueEtag } from './digests.ts';
import { linkFiles, minLinkBytes } from './extents.ts';
import { type Draft, writeJson } from './files.ts';
import type { OpenObject } from './object-files.ts';
import type { ObjectRecord } from './record.ts';
import { ownerFile, uploadFolder } from './upload-folders.ts';
import type { FolderOwner } from './upload-info.ts';

/**
 * Up to this size the bytes of a multipart object are read when it is copied, so that the copy has the MD5 and the
 * checksum of the whole object. The digests of a larger copy are derived from the record.
 */
const maxExactBytes = 64 * 1024 ** 2;

type Content = Pick<ObjectRecord, 'etag' | 'checksum' | 'multipartId' | 'extents'>;

/**
 * Writes the bytes to the draft, or links them into a folder that the record of the copy must name (`multipartId`).
 * @param requestedAlgorithm the algorithm that the request names
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
    const known = deriveDigests(record, algorithm, requestedAlgorithm !== undefined);
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

/** Removes the linked folder of a copy that failed. */
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
    // Written last: a folder without an owner file is removed at the next start.
    await writeJson(store.buckets.draftsPath, join(folder, ownerFile), owner, store.buckets.options);
    return { multipartId, extents };
  }
  await store.buckets.folderUsage.removeWhenUnused(folder);
  return undefined;
}

/** Returns the digests that follow from the source's record, so that the bytes need not be read. */
function deriveDigests(
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
