import { type ChecksumAlgorithm, type StoredFile, WaybillError } from '../../protocol/index.ts';
import type { CopyOptions, ObjectInfo, Storage } from '../../s3/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { withCharset } from '../shared/charset.ts';
import { contentDisposition, isInlineAnywhere } from '../shared/disposition.ts';
import { isMissing, isPreconditionFailed } from '../shared/storage-errors.ts';
import { maxSingleBytes } from '../shared/storage-limits.ts';
import type { Claims, SizedClaims } from '../state/claims.ts';
import { uploadIdHeader } from '../state/stored-object.ts';
import { chooseCopyGuardOfUpload, isSameWrite } from './copy-guard.ts';
import { abortCopies, copyInParts } from './copy-in-parts.ts';

/**
 * The metadata header that keeps the checksum of an upload in parts, as `algorithm:base64:parts`, because the copy has
 * a different checksum or none.
 */
const checksumHeader = 'waybill-checksum';

export interface Promotion {
  /** Objects over this many bytes are copied in parts. */
  copyMaxBytes: number;
  checksum: StoredFile['checksum'];
  /** Whether another process had the lease before, and may have begun to copy. */
  takenOver: boolean;
  /** Called for each part of a copy. @throws {WaybillError} when another process has taken the upload over */
  keepLease: () => Promise<void>;
}

/**
 * Copies the verified object to its key, with the verified type and with headers of our own instead of those of the
 * sender. When the storage does not support a condition of the copy, that condition is checked after the copy, before
 * `onComplete` runs.
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
  const refusesOverwrite = !replaces && (inParts ? capabilities.completeOnce : capabilities.copyOnce);
  const guard = chooseCopyGuardOfUpload(capabilities, claims);
  if (!refusesOverwrite) {
    const existing = await storage.head(claims.key);
    if (existing && (!replaces || isCopyOf(existing, claims))) {
      const own = requireOwnCopy(storage, claims, staged, existing);
      // The process that made this copy may have ended before it compared the writes of the staged object, so the copy
      // is made again.
      if (guard !== 'writeId') return own;
    }
  }
  let copied: { etag: string };
  try {
    const options = copyOptions(route, claims, staged, refusesOverwrite, promotion.checksum);
    copied = inParts
      ? await copyInParts(storage, options, {
          size: staged.size,
          partSize: storage.capabilities.copyPrecondition ? null : claims.partSize,
          keepLease: promotion.keepLease,
        })
      : await storage.copy(options);
  } catch (error) {
    if (!isPreconditionFailed(error) && !isMissing(error)) throw error;
    // Either the key has an object, perhaps our own copy from before a crash, or the source has changed.
    const existing = await storage.head(claims.key);
    if (!existing || (replaces && !isCopyOf(existing, claims))) return null;
    const own = requireOwnCopy(storage, claims, staged, existing);
    if (!own || guard !== 'writeId') return own;
    await storage.delete(claims.key);
    return null;
  }
  if (capabilities.copyPrecondition && guard !== 'writeId') return copied;
  const [existing, source] = await Promise.all([
    storage.head(claims.key),
    guard === 'writeId' ? storage.head(staged.key) : staged,
  ]);
  if (!existing) return null;
  const own = requireOwnCopy(storage, claims, staged, existing);
  if (own && (guard !== 'writeId' || isSameWrite(staged, source))) return own;
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
    contentDisposition: contentDisposition(isInlineAnywhere(contentType) ? 'inline' : 'attachment', fileName),
    cacheControl: route.cacheControl,
  };
}

/** Reads the checksum that {@link promote} stored with the file. */
export function readFileChecksum({ metadata }: ObjectInfo): StoredFile['checksum'] {
  const [algorithm, value, parts] = metadata[checksumHeader]?.split(':') ?? [];
  return algorithm && value ? { algorithm: algorithm as ChecksumAlgorithm, value, parts: Number(parts) } : null;
}

/**
 * A copy that has to be compared afterwards has the parts of the original, so that both have the same ETag. An object
 * that was sent in one request has no parts, and is never too large for one copy.
 */
function mayCopyInParts({ capabilities }: Storage, claims: SizedClaims, staged: ObjectInfo): boolean {
  return capabilities.copyPrecondition || claims.partSize !== null || staged.size > maxSingleBytes;
}

/** Deletes the copy that {@link promote} made or began for this upload, and no object of another upload. */
export async function withdrawCopy(
  { storage, copyMaxBytes }: Pick<Config, 'storage' | 'copyMaxBytes'>,
  claims: Claims,
): Promise<void> {
  // Where listing multipart uploads is not allowed, the lifecycle rule removes them.
  if (claims.size === null || claims.size > copyMaxBytes) await abortCopies(storage, claims.key).catch(() => {});
  const existing = await storage.head(claims.key);
  if (existing?.metadata[uploadIdHeader] === claims.uploadId)
    await storage.delete(claims.key, { ifMatch: existing.etag });
}

/**
 * Returns this upload's own copy of these bytes, or null when the copy has other bytes.
 *
 * @throws {WaybillError} `upload_conflict` when another upload has stored an object there
 */
function requireOwnCopy(
  storage: Storage,
  claims: Claims,
  staged: ObjectInfo,
  existing: ObjectInfo,
): { etag: string } | null {
  if (!isCopyOf(existing, claims))
    throw new WaybillError('upload_conflict', 'A file is already stored in this place.', {
      details: { hint: 'Another upload has stored its file at this key. Put the `uploadId` into what `key` returns.' },
    });
  return storage.capabilities.copyPrecondition || hasSameBytes(existing, claims, staged) ? existing : null;
}

function isCopyOf(existing: ObjectInfo, { uploadId }: Claims): boolean {
  return existing.metadata[uploadIdHeader] === uploadId;
}

/** Compares the ETags, which copies keep, or the checksums where encryption gives each object its own ETag. */
function hasSameBytes(copy: ObjectInfo, { checksum }: Claims, staged: ObjectInfo): boolean {
  if (copy.size !== staged.size) return false;
  if (copy.etag === staged.etag) return true;
  return checksum !== null && checksum.algorithm !== 'md5' && copy.checksums[checksum.algorithm] === checksum.value;
}
