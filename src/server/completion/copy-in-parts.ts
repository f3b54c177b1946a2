/** Copies an object that is too large for one CopyObject, with UploadPartCopy. No byte of it passes this process. */
import { MiB, partBytes, s3PartLimits } from '../../protocol/index.ts';
import type { CopyOptions, PartInfo, Storage } from '../../s3/index.ts';
import { mapLimited } from '../shared/map-limited.ts';

const parallelCopies = 8;
/**
 * A storage copies this much in some seconds: little enough to repeat a failed part quickly, and enough that a large
 * file needs few requests.
 */
const usualCopyBytes = 512 * MiB;

export interface CopyPlan {
  /** Bytes. */
  size: number;
  /** Bytes of every part except the last; null to choose a fast size. */
  partSize: number | null;
  keepLease: () => Promise<void>;
}

/** Copies the parts in parallel. When a part fails, the whole copy is aborted. */
export async function copyInParts(
  storage: Storage,
  options: CopyOptions,
  { size, partSize, keepLease }: CopyPlan,
): Promise<{ etag: string }> {
  const { from, to, sourceEtag, once = true, contentType, metadata, contentDisposition, cacheControl } = options;
  const { multipartId } = await storage.createMultipart({
    key: to,
    contentType,
    ...(metadata ? { metadata } : {}),
    ...(contentDisposition === undefined ? {} : { contentDisposition }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
  });
  try {
    const each = partSize ?? choosePartSize(size);
    const numbers = Array.from({ length: Math.ceil(size / each) }, (_, index) => index + 1);
    let failure: unknown;
    const copied = await mapLimited(numbers, parallelCopies, async (partNumber): Promise<PartInfo | null> => {
      // No new part begins after a failure, and the abort below waits for those in progress: S3 keeps a part that
      // arrives after the abort.
      if (failure !== undefined) return null;
      const first = (partNumber - 1) * each;
      const last = first + partBytes(size, each, partNumber) - 1;
      const source = { from, ...(sourceEtag === undefined ? {} : { sourceEtag }) };
      try {
        await keepLease();
        const part = await storage.copyPart({ ...source, to, multipartId, partNumber, range: [first, last] });
        // The multipart upload was created without a checksum algorithm, so S3 accepts only the ETags of its parts.
        return { ...part, checksums: {} };
      } catch (error) {
        failure = error;
        return null;
      }
    });
    if (failure !== undefined) throw failure;
    const parts = copied.filter((part) => part !== null);
    const { etag } = await storage.completeMultipart({ key: to, multipartId, parts, size, once });
    if (etag !== '') return { etag };
    // Ceph leaves the ETag out of its first response.
    return { etag: (await storage.head(to))?.etag ?? '' };
  } catch (error) {
    await storage.abortMultipart(to, multipartId).catch(() => {});
    throw error;
  }
}

/**
 * Aborts the copies in parts that another process began. The caller must be the only process that copies to this key.
 */
export async function abortCopies(storage: Storage, key: string): Promise<void> {
  const { uploads } = await storage.listMultiparts({ prefix: key });
  for (const upload of uploads) if (upload.key === key) await storage.abortMultipart(key, upload.multipartId);
}

function choosePartSize(size: number): number {
  const rounds = Math.max(1, Math.round(size / (parallelCopies * usualCopyBytes)));
  const even = Math.ceil(size / Math.min(s3PartLimits.maxParts, parallelCopies * rounds));
  return Math.min(s3PartLimits.maxPartBytes, Math.max(s3PartLimits.minPartBytes, even));
}
