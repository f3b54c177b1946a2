/**
 * The metadata of an unfinished multipart upload cannot be read back from S3. So before one begins, its receipt (the
 * sealed claims, part size included) is written beside the staging keys, where whoever finds the multipart upload in a
 * listing finds out whose it is (DESIGN section 7, 2). It goes when the upload ends.
 */
import type { Storage } from '../../s3/index.ts';
import type { Grants } from '../grants/grants.ts';
import type { OpenedGrant } from './claims.ts';

export interface Sidecars {
  write(uploadId: string, receipt: string): Promise<void>;
  /** Null when there is none, or it is not one of ours. */
  read(uploadId: string): Promise<OpenedGrant | null>;
  delete(uploadId: string): Promise<void>;
}

/** A receipt is shorter. */
const maxSidecarBytes = 4096;

export function createSidecars(options: {
  storage: Storage;
  stagingPrefix: string;
  grants: Pick<Grants, 'openReceipt'>;
}): Sidecars {
  const { storage, grants } = options;
  const keyOf = (uploadId: string) => `${options.stagingPrefix}.waybill/${uploadId}.parts`;
  return {
    async write(uploadId, receipt) {
      await storage.put({ key: keyOf(uploadId), body: receipt, contentType: 'text/plain' });
    },
    async read(uploadId) {
      const found = await storage.read(keyOf(uploadId), { maxBytes: maxSidecarBytes });
      if (!found?.bytes) return null;
      const opened = grants.openReceipt(Buffer.from(found.bytes).toString());
      return opened?.claims.uploadId === uploadId ? opened : null;
    },
    async delete(uploadId) {
      await storage.delete(keyOf(uploadId));
    },
  };
}
