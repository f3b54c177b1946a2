/**
 * Assembles the parts into the staged object with CompleteMultipartUpload. The object is then completed like any other.
 * The list of parts comes from the storage and never from the client.
 *
 * CompleteMultipartUpload can answer 200 with an error in its body. `s3/send.ts` detects that with the option `root`,
 * so that such an answer arrives here as an S3Error.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
import { isWaybillError, type WaybillError } from '../../protocol/index.ts';
import type { PartInfo } from '../../s3/index.ts';
import { isS3Error } from '../../s3/index.ts';
import { checksumMismatch, uploadExpired } from '../shared/errors.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import { isMissing, isPreconditionFailed } from '../shared/storage-errors.ts';
import { type CheckedParts, isChecksumMismatch } from './check-parts.ts';
import { discardUpload, rejectUpload } from './discard.ts';
import type { Lease } from './lease.ts';
import type { CompletionRun } from './run.ts';

/**
 * Returns null when the storage has no parts of this upload: they have been assembled, or were aborted, or the upload
 * has no parts.
 */
export async function listArrivedParts({ services, opened, claims }: CompletionRun): Promise<PartInfo[] | null> {
  const { config } = services;
  if (!opened.multipart || claims.partSize === null) return null;
  return config.storage.listParts(stagingKeyOf(config, claims.uploadId), opened.multipart.multipartId);
}

/**
 * @returns whether the staged object exists; false when the parts have changed since they were listed
 * @throws {WaybillError} `checksum_mismatch`, and `upload_expired` when only a new upload can succeed
 */
export async function assembleParts(run: CompletionRun, lease: Lease, checked: CheckedParts): Promise<boolean> {
  const { services, opened, claims } = run;
  const { config } = services;
  const { storage } = config;
  const { size, parts, checksum } = checked;
  const key = stagingKeyOf(config, claims.uploadId);
  const multipartId = opened.multipart?.multipartId as string;
  try {
    const composed = await storage.completeMultipart({ key, multipartId, parts, size });
    const stored = checksum && checksum.algorithm !== 'md5' ? composed.checksums[checksum.algorithm] : undefined;
    if (checksum && stored !== undefined && stored !== checksum.value)
      throw checksumMismatch('The object at the storage has another checksum than its parts.');
    return true;
  } catch (error) {
    const refusal = findFinalRefusal(error);
    if (refusal) return refuseParts(run, lease, refusal);
    // The response to this request or to an earlier one may have been lost: if the object exists, the parts were
    // assembled.
    if (mayBeAssembled(error) && (await storage.head(key).catch(() => null))) return true;
    if (isS3Error(error) && changedPartCodes.has(error.code)) return false;
    throw error;
  }
}

/** Records the refusal and throws it. Returns false when another process has the upload. */
async function refuseParts(run: CompletionRun, lease: Lease, refusal: WaybillError): Promise<boolean> {
  if (!(await lease.reject(refusal))) return false;
  if (refusal.code !== 'upload_expired') return rejectUpload(run, run.claims, refusal);
  await discardUpload(run.services, run.opened);
  throw refusal;
}

function mayBeAssembled(error: unknown): boolean {
  return isMissing(error) || isPreconditionFailed(error) || (isS3Error(error) && error.code === 'NoSuchUpload');
}

/** The codes of errors that mean that a part was sent again after the parts were listed. */
const changedPartCodes: ReadonlySet<string> = new Set(['InvalidPart', 'InvalidPartOrder', 'NoSuchUpload']);

/** Returns the refusal that no further attempt can change, or null. */
function findFinalRefusal(error: unknown): WaybillError | null {
  if (isWaybillError(error)) return isChecksumMismatch(error) ? error : null;
  if (!isS3Error(error)) return null;
  // S3 requires that all parts are sent again.
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
  if (error.code === 'ConditionalRequestConflict')
    return uploadExpired('The storage wants all parts again (ConditionalRequestConflict).', error);
  if (error.code === 'BadDigest') return checksumMismatch('The storage refused the checksum of the parts (BadDigest).');
  return null;
}
