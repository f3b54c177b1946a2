import { WaybillError } from '../protocol/index.ts';
import type { ObjectInfo, Storage } from '../s3/types.ts';
import type { ResolvedRoute } from './config.ts';
import { contentDisposition, inlineAnywhere } from './disposition.ts';
import type { Claims } from './grants.ts';
import { isMissing, isPreconditionFailed } from './markers.ts';

/** `x-amz-meta-*` of a promoted object: which upload it came from, so that a delete finds its marker. */
export const uploadIdHeader = 'waybill-upload';

/**
 * Copies the verified object to its key. Everything that came with it is replaced: the receipt goes, the type is the
 * verified one, and how it may be shown is for us to say. Whatever the storage ignores of our conditions is compared
 * afterwards, before anyone hears of the file.
 *
 * @returns the copy's ETag, or null when the staged object is no longer the one that was verified
 * @throws {WaybillError} `upload_conflict` when another upload has that key
 */
export async function promote(
  storage: Storage,
  route: ResolvedRoute,
  claims: Claims,
  staged: ObjectInfo,
): Promise<{ etag: string } | null> {
  const { capabilities } = storage;
  if (!capabilities.copyOnce) {
    const there = await storage.head(claims.key);
    if (there) return ownCopy(storage, claims, staged, there);
  }
  let copied: { etag: string };
  try {
    copied = await storage.copy({
      from: staged.key,
      to: claims.key,
      sourceEtag: staged.etag,
      once: capabilities.copyOnce,
      contentType: claims.contentType,
      metadata: { [uploadIdHeader]: claims.uploadId },
      contentDisposition: contentDisposition(
        inlineAnywhere(claims.contentType) ? 'inline' : 'attachment',
        claims.fileName,
      ),
      cacheControl: route.cacheControl,
    });
  } catch (error) {
    if (!isPreconditionFailed(error) && !isMissing(error)) throw error;
    // Either something has the key, perhaps our own copy from before a crash, or the source is not what it was.
    const there = await storage.head(claims.key);
    return there && ownCopy(storage, claims, staged, there);
  }
  if (capabilities.copyPrecondition) return copied;
  const there = await storage.head(claims.key);
  if (there && sameBytes(there, claims, staged)) return there;
  await storage.delete(claims.key);
  return null;
}

/** Deletes what {@link promote} made of this upload, and nothing else. */
export async function withdraw(storage: Storage, claims: Claims): Promise<void> {
  const there = await storage.head(claims.key);
  if (there?.metadata[uploadIdHeader] === claims.uploadId) await storage.delete(claims.key);
}

function ownCopy(storage: Storage, claims: Claims, staged: ObjectInfo, there: ObjectInfo): { etag: string } | null {
  if (there.metadata[uploadIdHeader] !== claims.uploadId)
    throw new WaybillError('upload_conflict', 'Another file has this key.');
  return storage.capabilities.copyPrecondition || sameBytes(there, claims, staged) ? there : null;
}

/** By ETag, which copies keep, or by a checksum where encryption gives each object its own ETag. */
function sameBytes(copy: ObjectInfo, { checksum }: Claims, staged: ObjectInfo): boolean {
  if (copy.size !== staged.size) return false;
  if (copy.etag === staged.etag) return true;
  return checksum !== null && checksum.algorithm !== 'md5' && copy.checksums[checksum.algorithm] === checksum.value;
}
