/** What one CopyObject does not carry, by UploadPartCopy: several parts at once, and no byte through this process. */
import { MiB, partBytes, s3PartLimits } from '../../protocol/index.ts';
import type { CopyOptions, PartInfo, Storage } from '../../s3/index.ts';
import { mapLimited } from '../shared/map-limited.ts';

const parallelCopies = 8;
/** A storage copies this much in some seconds: soon enough to be tried again, and few requests for a large file. */
const usualCopyBytes = 512 * MiB;

export interface CopyPlan {
  /** Bytes. */
  size: number;
  /** Bytes of every part but the last; null for whatever is quick. */
  partSize: number | null;
  keepLease: () => Promise<void>;
}

/** Leaves nothing behind when it fails. */
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
      // The others end before the abort below: a part that came after it would stay.
      if (failure !== undefined) return null;
      const first = (partNumber - 1) * each;
      const last = first + partBytes(size, each, partNumber) - 1;
      const source = { from, ...(sourceEtag === undefined ? {} : { sourceEtag }) };
      try {
        await keepLease();
        const part = await storage.copyPart({ ...source, to, multipartId, partNumber, range: [first, last] });
        // This upload began without an algorithm: S3 takes the ETags alone.
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
    // Ceph leaves it out of its first answer.
    return { etag: (await storage.head(to))?.etag ?? '' };
  } catch (error) {
    await storage.abortMultipart(to, multipartId).catch(() => {});
    throw error;
  }
}

/** What a dead process began. The caller is the only one that copies to this key. */
export async function abortCopies(storage: Storage, key: string): Promise<void> {
  const { uploads } = await storage.listMultiparts({ prefix: key });
  for (const upload of uploads) if (upload.key === key) await storage.abortMultipart(key, upload.multipartId);
}

function choosePartSize(size: number): number {
  const rounds = Math.max(1, Math.round(size / (parallelCopies * usualCopyBytes)));
  const even = Math.ceil(size / Math.min(s3PartLimits.maxParts, parallelCopies * rounds));
  return Math.min(s3PartLimits.maxPartBytes, Math.max(s3PartLimits.minPartBytes, even));
}
