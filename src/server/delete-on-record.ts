import { WaybillError } from '../protocol/index.ts';
import type { Storage } from '../s3/types.ts';
import type { Ledger } from './ledger.ts';

/**
 * Deletes a stored file for good: the record first, so that an unexpired URL and its grant cannot bring it back, then the
 * object, unless another upload shares it. True when it was there.
 *
 * @throws {WaybillError} `upload_conflict` while the file of this key is being completed
 */
export async function deleteOnRecord(
  storage: Storage,
  ledger: Ledger,
  of: { key: string; uploadId?: string | undefined },
): Promise<boolean> {
  const { key, uploadId } = of;
  const deleted = await ledger.delete(uploadId === undefined ? { key } : { uploadId });
  if (deleted) {
    if (deleted.last) await storage.delete(deleted.record.key);
    return true;
  }
  if (uploadId !== undefined) return false;
  // Stored before there was a ledger, or recorded as deleted by a call that could not delete it.
  const info = await storage.head(key);
  if (!info) return false;
  if ((await ledger.keysInUse([key])).has(key))
    throw new WaybillError('upload_conflict', 'The file is being completed.');
  await storage.delete(key);
  return true;
}
