import type { Storage } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import { beingCompleted } from '../shared/errors.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { Ledger } from '../state/ledger.ts';
import { deleteIfUnchanged, isObjectOfUpload, uploadIdHeader } from '../state/stored-object.ts';
import type { UploadStates } from '../state/upload-states.ts';

export interface FileToDelete {
  key: string;
  /** Only the object that this upload stored. */
  uploadId?: string | undefined;
}

/** Deletes a stored file for good. True when it was there. */
export function deleteStored(
  { storage, ledger }: Pick<Config, 'storage' | 'ledger'>,
  states: Pick<UploadStates, 'recordDeletion'>,
  file: FileToDelete,
): Promise<boolean> {
  return ledger ? deleteByLedger(storage, ledger, file) : deleteByState(storage, states, file);
}

/**
 * Deletes a stored file for good: the record first, so that an unexpired URL and its grant cannot bring it back. With an
 * `uploadId` only the object that this upload stored. True when it was there.
 */
async function deleteByState(
  storage: Storage,
  states: Pick<UploadStates, 'recordDeletion'>,
  { key, uploadId }: FileToDelete,
): Promise<boolean> {
  const info = await storage.head(key);
  if (!info) return false;
  const mark = info.metadata[uploadIdHeader];
  if (uploadId !== undefined && mark !== uploadId) return false;
  if (mark !== undefined && isUploadId(mark)) await states.recordDeletion(mark);
  return deleteIfUnchanged(storage, info);
}

/**
 * Deletes a stored file for good: the record first, so that an unexpired URL and its grant cannot bring it back, then the
 * object, unless another upload shares it or stored it. True when it was there.
 *
 * @throws {WaybillError} `upload_conflict` while the file of this key is being completed
 */
async function deleteByLedger(storage: Storage, ledger: Ledger, of: FileToDelete): Promise<boolean> {
  const { key, uploadId } = of;
  const deleted = await ledger.delete(uploadId === undefined ? { key } : { uploadId });
  if (deleted) {
    const { record, last } = deleted;
    const info = last ? await storage.head(record.key) : null;
    if (info && (uploadId === undefined || (await isObjectOfUpload(ledger, info, record)))) await deleteIfUnchanged(storage, info);
    return true;
  }
  // Stored before there was a ledger, or recorded as deleted by a call that could not delete it.
  const info = await storage.head(key);
  if (!info || (uploadId !== undefined && !(await isObjectOfUpload(ledger, info, { key, uploadId })))) return false;
  if ((await ledger.keysInUse([key])).has(key)) {
    // Somebody shares it, or it is about to be a file.
    if (uploadId !== undefined && (await ledger.find(uploadId))?.state === 'deleted') return false;
    throw beingCompleted();
  }
  return deleteIfUnchanged(storage, info);
}
