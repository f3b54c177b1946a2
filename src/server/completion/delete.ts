import type { Storage } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import { beingCompleted } from '../shared/errors.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { Ledger } from '../state/ledger.ts';
import { deleteIfUnchanged, isObjectOfUpload, uploadIdHeader } from '../state/stored-object.ts';
import type { UploadStates } from '../state/upload-states.ts';

export interface FileToDelete {
  key: string;
  /** When set, the object is deleted only if this upload stored it. */
  uploadId?: string | undefined;
}

/**
 * Deletes a stored file for good. The deletion is recorded first, so that an unexpired URL and its grant cannot bring
 * the file back. Returns whether there was a file.
 *
 * @throws {WaybillError} `upload_conflict` with a ledger, while the file of this key is being completed
 */
export function deleteStored(
  { storage, ledger }: Pick<Config, 'storage' | 'ledger'>,
  states: Pick<UploadStates, 'recordDeletion'>,
  file: FileToDelete,
): Promise<boolean> {
  return ledger ? deleteByLedger(storage, ledger, file) : deleteByState(storage, states, file);
}

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

/** With a ledger, the object is kept when another upload shares it or has stored it. */
async function deleteByLedger(storage: Storage, ledger: Ledger, of: FileToDelete): Promise<boolean> {
  const { key, uploadId } = of;
  const deleted = await ledger.delete(uploadId === undefined ? { key } : { uploadId });
  if (deleted) {
    const { record, last } = deleted;
    const info = last ? await storage.head(record.key) : null;
    if (info && (uploadId === undefined || (await isObjectOfUpload(ledger, info, record))))
      await deleteIfUnchanged(storage, info);
    return true;
  }
  // The file was stored before there was a ledger, or an earlier call recorded its deletion and could not delete it.
  const info = await storage.head(key);
  if (!info || (uploadId !== undefined && !(await isObjectOfUpload(ledger, info, { key, uploadId })))) return false;
  if ((await ledger.keysInUse([key])).has(key)) {
    // Another upload shares the object, or is about to store it.
    if (uploadId !== undefined && (await ledger.find(uploadId))?.state === 'deleted') return false;
    throw beingCompleted();
  }
  return deleteIfUnchanged(storage, info);
}
