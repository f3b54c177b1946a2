import type { Storage } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import { beingCompleted } from '../shared/errors.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { ChooseEffects } from '../state/end-effects.ts';
import type { Deletion, Ledger, UploadRecord } from '../state/ledger.ts';
import { deleteIfUnchanged, isObjectOfUpload, uploadIdHeader } from '../state/stored-object.ts';
import type { UploadStates } from '../state/upload-states.ts';

export interface FileToDelete {
  key: string;
  /** When set, the object is deleted only if this upload stored it. */
  uploadId?: string | undefined;
}

export interface DeletedFile {
  /** The record of its upload; null without a ledger, and for a file that was stored before there was one. */
  record: UploadRecord | null;
}

export interface DeleteServices {
  config: Pick<Config, 'storage' | 'ledger'>;
  states: Pick<UploadStates, 'recordDeletion'>;
  effects: Pick<ChooseEffects, 'ofDeletion'>;
}

/**
 * Deletes a stored file for good. The deletion is recorded first, so that an unexpired URL and its grant cannot bring
 * the file back. Returns null when there was no file.
 *
 * @throws {WaybillError} `upload_conflict` with a ledger, while the file of this key is being completed
 */
export async function deleteStored(
  { config, states, effects }: DeleteServices,
  file: FileToDelete,
  deletion: Deletion,
): Promise<DeletedFile | null> {
  const { storage, ledger } = config;
  if (!ledger) return (await deleteByState(storage, states, file)) ? { record: null } : null;
  const { key, uploadId } = file;
  const recorded = await ledger.delete(uploadId === undefined ? { key } : { uploadId }, (record) =>
    effects.ofDeletion(record, deletion),
  );
  if (!recorded) return (await deleteUnrecorded(storage, ledger, file)) ? { record: null } : null;
  const { record, last } = recorded;
  // The object is kept when another upload shares it or has stored it.
  const info = last ? await storage.head(record.key) : null;
  if (info && (uploadId === undefined || (await isObjectOfUpload(ledger, info, record))))
    await deleteIfUnchanged(storage, info);
  return { record };
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

/**
 * Deletes a file that was stored before there was a ledger, or whose deletion an earlier call has recorded without
 * deleting the object.
 */
async function deleteUnrecorded(storage: Storage, ledger: Ledger, { key, uploadId }: FileToDelete): Promise<boolean> {
  const info = await storage.head(key);
  if (!info || (uploadId !== undefined && !(await isObjectOfUpload(ledger, info, { key, uploadId })))) return false;
  if ((await ledger.keysInUse([key])).has(key)) {
    // Another upload shares the object, or is about to store it.
    if (uploadId !== undefined && (await ledger.find(uploadId))?.state === 'deleted') return false;
    throw beingCompleted();
  }
  return deleteIfUnchanged(storage, info);
}
