import type { Storage } from '../../s3/types.ts';
import { beingCompleted } from '../shared/errors.ts';
import type { Ledger } from '../state/ledger.ts';
import { deleteSeen, isObjectOf } from '../state/stored-object.ts';

/**
 * Deletes a stored file for good: the record first, so that an unexpired URL and its grant cannot bring it back, then the
 * object, unless another upload shares it or stored it. True when it was there.
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
    const { record, last } = deleted;
    const info = last ? await storage.head(record.key) : null;
    if (info && (uploadId === undefined || (await isObjectOf(ledger, info, record)))) await deleteSeen(storage, info);
    return true;
  }
  // Stored before there was a ledger, or recorded as deleted by a call that could not delete it.
  const info = await storage.head(key);
  if (!info || (uploadId !== undefined && !(await isObjectOf(ledger, info, { key, uploadId })))) return false;
  if ((await ledger.keysInUse([key])).has(key)) {
    // Somebody shares it, or it is about to be a file.
    if (uploadId !== undefined && (await ledger.find(uploadId))?.state === 'deleted') return false;
    throw beingCompleted();
  }
  return deleteSeen(storage, info);
}
