import { type ChecksumAlgorithm, type StoredFile, WaybillError } from '../../protocol/index.ts';
import type { CopyOptions, ObjectInfo, Storage } from '../../s3/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { withCharset } from '../shared/charset.ts';
import { contentDisposition, inlineAnywhere } from '../shared/disposition.ts';
import { isMissing, isPreconditionFailed } from '../shared/storage-errors.ts';
import { maxSingleBytes } from '../shared/storage-limits.ts';
import type { Claims, SizedClaims } from '../state/claims.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { isSameWrite, copyGuardOfUpload } from './copy-guard.ts';
import { abortCopies, copyInParts } from './copy-in-parts.ts';

/** The checksum of what came in parts: the copy has another of its own, or none. `algorithm:base64:parts` */
const checksumHeader = 'waybill-checksum';

export interface Promotion {
  /** Objects over this many bytes are copied in parts. */
  copyMaxBytes: number;
  checksum: StoredFile['checksum'];
  /** Another process began to copy, perhaps. */
  takenOver: boolean;
  /** Called now and then while the copy goes on. @throws when somebody else has taken it over */
  keepLease: () => Promise<void>;
}

/**
 * Copies the verified object to its key. Everything that came with it is replaced: the receipt goes, the type is the
 * verified one, and how it may be shown is for us to say. Whatever the storage ignores of our conditions is compared
 * afterwards, before anyone hears of the file.
 *
 * @returns the copy's ETag, or null when the staged object is no longer the one that was verified
 * @throws {WaybillError} `upload_conflict` when another upload has that key, and the route does not say `replace`
 */
export async function promote(
  storage: Storage,
  route: ResolvedRoute,
  claims: SizedClaims,
  staged: ObjectInfo,
  promotion: Promotion,
): Promise<{ etag: string } | null> {
  const { capabilities } = storage;
  const inParts = staged.size > promotion.copyMaxBytes && mayCopyInParts(storage, claims, staged);
  if (inParts && promotion.takenOver) await abortCopies(storage, claims.key);
  const replaces = route.definition.replace === true;
  const guarded = !replaces && (inParts ? capabilities.completeOnce : capabilities.copyOnce);
  const join = copyGuardOfUpload(capabilities, claims);
  if (!guarded) {
    const there = await storage.head(claims.key);
    if (there && (!replaces || isOf(there, claims))) {
      const own = ownCopy(storage, claims, staged, there);
      // A copy whose process ended before it had looked at the writes of the staged object is made again.
      if (join !== 'writeId') return own;
    }
  }
  let copied: { etag: string };
  try {
    const options = copyOptions(route, claims, staged, guarded, promotion.checksum);
    copied = inParts
      ? await copyInParts(storage, options, {
          size: staged.size,
          partSize: storage.capabilities.copyPrecondition ? null : claims.partSize,
          keepLease: promotion.keepLease,
        })
      : await storage.copy(options);
  } catch (error) {
    if (!isPreconditionFailed(error) && !isMissing(error)) throw error;
    // Either something has the key, perhaps our own copy from before a crash, or the source is not what it was.
    const there = await storage.head(claims.key);
    if (!there || (replaces && !isOf(there, claims))) return null;
    const own = ownCopy(storage, claims, staged, there);
    if (!own || join !== 'writeId') return own;
    await storage.delete(claims.key);
    return null;
  }
  if (capabilities.copyPrecondition && join !== 'writeId') return copied;
  const [there, source] = await Promise.all([
    storage.head(claims.key),
    join === 'writeId' ? storage.head(staged.key) : staged,
  ]);
  if (!there) return null;
  const own = ownCopy(storage, claims, staged, there);
  if (own && (join !== 'writeId' || isSameWrite(staged, source))) return own;
  await storage.delete(claims.key);
  return null;
}

function copyOptions(
  route: ResolvedRoute,
  claims: SizedClaims,
  staged: ObjectInfo,
  once: boolean,
  checksum: StoredFile['checksum'],
): CopyOptions {
  const { key, uploadId, contentType, charset, fileName } = claims;
  const composite = checksum?.parts === undefined ? null : `${checksum.algorithm}:${checksum.value}:${checksum.parts}`;
  return {
    from: staged.key,
    to: key,
    sourceEtag: staged.etag,
    once,
    contentType: withCharset(contentType, charset),
    metadata: { [uploadIdHeader]: uploadId, ...(composite === null ? {} : { [checksumHeader]: composite }) },
    contentDisposition: contentDisposition(inlineAnywhere(contentType) ? 'inline' : 'attachment', fileName),
    cacheControl: route.cacheControl,
  };
}

/** What {@link promote} noted with the file. */
export function readFileChecksum({ metadata }: ObjectInfo): StoredFile['checksum'] {
  const [algorithm, value, parts] = metadata[checksumHeader]?.split(':') ?? [];
  return algorithm && value ? { algorithm: algorithm as ChecksumAlgorithm, value, parts: Number(parts) } : null;
}

/**
 * Where the copy has to be compared afterwards, it is cut as the original was: then both have one ETag. What came in
 * one request has no such cut, and is never too large for one copy.
 */
function mayCopyInParts({ capabilities }: Storage, claims: SizedClaims, staged: ObjectInfo): boolean {
  return capabilities.copyPrecondition || claims.partSize !== null || staged.size > maxSingleBytes;
}

/** Deletes what {@link promote} made of this upload, or had begun to, and nothing else. */
export async function withdrawCopy(
  { storage, copyMaxBytes }: Pick<Config, 'storage' | 'copyMaxBytes'>,
  claims: Claims,
): Promise<void> {
  // Where it may not look for them, the lifecycle rule does.
  if (claims.size === null || claims.size > copyMaxBytes) await abortCopies(storage, claims.key).catch(() => {});
  const there = await storage.head(claims.key);
  if (there?.metadata[uploadIdHeader] === claims.uploadId) await storage.delete(claims.key, { ifMatch: there.etag });
}

function ownCopy(storage: Storage, claims: Claims, staged: ObjectInfo, there: ObjectInfo): { etag: string } | null {
  if (!isOf(there, claims))
    throw new WaybillError('upload_conflict', 'A file is already stored in this place.', {
      details: { hint: 'Another upload has stored its file at this key. Put the `uploadId` into what `key` returns.' },
    });
  return storage.capabilities.copyPrecondition || hasSameBytes(there, claims, staged) ? there : null;
}

function isOf(there: ObjectInfo, { uploadId }: Claims): boolean {
  return there.metadata[uploadIdHeader] === uploadId;
}

/** By ETag, which copies keep, or by a checksum where encryption gives each object its own ETag. */
function hasSameBytes(copy: ObjectInfo, { checksum }: Claims, staged: ObjectInfo): boolean {
  if (copy.size !== staged.size) return false;
  if (copy.etag === staged.etag) return true;
  return checksum !== null && checksum.algorithm !== 'md5' && copy.checksums[checksum.algorithm] === checksum.value;
}
