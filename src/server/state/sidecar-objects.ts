/**
 * The metadata of an unfinished multipart upload cannot be read back from S3. So the receipt of an upload in parts (its
 * sealed claims) is written beside the staging keys before the upload begins: a process that finds the parts in a
 * listing learns from it what was granted. It is deleted when the upload ends.
 */
import type { Storage } from '../../s3/index.ts';
import type { OpenedGrant, OpenReceipt } from './claims.ts';

/** A receipt is shorter. */
const maxSidecarBytes = 4096;

export function createSidecars({
  storage,
  stagingPrefix,
  openReceipt,
}: {
  storage: Storage;
  stagingPrefix: string;
  openReceipt: OpenReceipt;
}) {
  const keyOf = (uploadId: string) => `${stagingPrefix}.waybill/${uploadId}.parts`;
  return {
    async write(uploadId: string, receipt: string): Promise<void> {
      await storage.put({ key: keyOf(uploadId), body: receipt, contentType: 'text/plain' });
    },
    /** Null when there is none, or when it was not sealed by this deployment. */
    async read(uploadId: string): Promise<OpenedGrant | null> {
      const found = await storage.read(keyOf(uploadId), { maxBytes: maxSidecarBytes });
      if (!found?.bytes) return null;
      const opened = openReceipt(Buffer.from(found.bytes).toString());
      return opened?.claims.uploadId === uploadId ? opened : null;
    },
    async delete(uploadId: string): Promise<void> {
      await storage.delete(keyOf(uploadId));
    },
  };
}
