/**
 * CompleteMultipartUpload: what arrived in parts becomes the staged object, which then goes the way of every other.
 * The storage is asked what arrived; nobody else is believed.
 */
import { isWaybillError, type WaybillError } from '../../protocol/index.ts';
import { isS3Error, type S3Error } from '../../s3/index.ts';
import type { ResolvedRoute } from '../config.ts';
import { checksumMismatch, uploadExpired } from '../shared/errors.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { OpenedGrant } from '../state/claims.ts';
import { leaseMs } from '../state/lease-time.ts';
import { type CheckedParts, type CompositeChecksum, checkParts, type Said } from './check-parts.ts';
import { claimUpload, discard, isLease, type Lease } from './lease.ts';
import type { Completed, Completing, CompletionDependencies } from './types.ts';

export interface Assembled {
  lease: Lease;
  /** As it follows from the parts; null where the route asks for none. */
  checksum: CompositeChecksum | null;
}

/** The storage no longer has these parts: they are an object now, or someone gave them up. */
export const noParts = 'no parts';

/**
 * @returns {@link noParts} when the object has to be looked for, null when everything has to be looked at again
 * @throws {WaybillError} as {@link checkParts} does, and `upload_expired` when only a new upload can succeed
 */
export async function assemble(
  dependencies: CompletionDependencies,
  route: ResolvedRoute,
  opened: OpenedGrant,
  said: Said,
  rejected: (refusal: WaybillError) => Promise<never>,
): Promise<Assembled | Completed | Completing | typeof noParts | null> {
  const { config, markers } = dependencies;
  const { storage, now } = config;
  const { claims, multipart } = opened;
  if (!multipart || claims.partSize === null) return noParts;
  const key = stagingKeyOf(config, claims.uploadId);
  const listed = await storage.listParts(key, multipart.multipartId);
  if (!listed) return noParts;
  let checked: CheckedParts;
  try {
    checked = checkParts(route, { ...claims, partSize: claims.partSize }, listed, said);
  } catch (error) {
    if (!isWaybillError(error) || error.code !== 'checksum_mismatch') throw error;
    const claimed = await claimUpload(dependencies, opened, { state: 'rejected', error: error.toJSON() });
    if (!claimed || !isLease(claimed)) return claimed;
    return rejected(error);
  }
  const { size, parts, checksum } = checked;
  const claimed = await claimUpload(dependencies, opened, {
    state: 'promoting',
    leaseUntil: now() + leaseMs(size),
  });
  if (!claimed || !isLease(claimed)) return claimed;
  try {
    const composed = await storage.completeMultipart({ key, multipartId: multipart.multipartId, parts, size });
    const stored = checksum && checksum.algorithm !== 'md5' ? composed.checksums[checksum.algorithm] : undefined;
    if (checksum && stored !== undefined && stored !== checksum.value)
      throw checksumMismatch('The object at the storage has another checksum than its parts.');
    return { lease: claimed, checksum };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) {
      await markers.replace(claims, { state: 'rejected', error: refusal.toJSON() }, claimed.version);
      if (refusal.code !== 'upload_expired') return rejected(refusal);
      await discard(dependencies, opened);
      throw refusal;
    }
    // The answer to an earlier try was lost, or is lost now: whether the object is there is for a look to tell.
    if (isS3Error(error) && mayBeDone(error) && (await storage.head(key).catch(() => null)))
      return { lease: claimed, checksum };
    await markers.release(claims, claimed.version);
    // A part was sent again since they were listed.
    if (isS3Error(error) && partsMoved.has(error.code)) return null;
    throw error;
  }
}

function mayBeDone({ code, status }: S3Error): boolean {
  return code === 'NoSuchUpload' || status === 404 || status === 412;
}

const partsMoved: ReadonlySet<string> = new Set(['InvalidPart', 'InvalidPartOrder', 'NoSuchUpload']);

/** What no further try will change. */
function refusalOf(error: unknown): WaybillError | null {
  if (isWaybillError(error)) return error.code === 'checksum_mismatch' ? error : null;
  if (!isS3Error(error)) return null;
  // S3 wants all parts again. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
  if (error.code === 'ConditionalRequestConflict')
    return uploadExpired('The storage wants all parts again (ConditionalRequestConflict).', error);
  if (error.code === 'BadDigest') return checksumMismatch('The storage refused the checksum of the parts (BadDigest).');
  return null;
}
