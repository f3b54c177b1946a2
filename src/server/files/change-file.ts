/** Renames and deletes the file that an app names. */
import { WaybillError } from '../../protocol/index.ts';
import type { CompletionService } from '../completion/service.ts';
import { cleanFileName } from '../grants/file-name.ts';
import { uploadNotFound } from '../shared/errors.ts';
import { isUploadId } from '../shared/upload-id.ts';
import { describeRecord, type FileContext, findFile, needsLedger, nullWhenMissing } from './find-file.ts';
import type { ChangeOptions, OwnedFile } from './types.ts';

const maxNameBytes = 255;
const maxAttempts = 3;

/**
 * Changes the name that the file has for people. The key and the object stay as they are, so that a large file is not
 * copied and every reference stays valid.
 *
 * @throws {WaybillError} `upload_not_found`, `invalid_request` for an unusable name, `config_invalid` without a ledger
 */
export async function renameFile(
  context: FileContext,
  file: string,
  given: string,
  options: ChangeOptions = {},
): Promise<OwnedFile> {
  const { ledger } = context.config;
  if (!ledger) throw needsLedger('`rename()`');
  const fileName = requireFileName(given);
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const { ref, record } = await findFile(context, file, options);
    // The file was stored before there was a ledger, so there is no row that could keep its new name.
    if (!record) throw uploadNotFound();
    const url = context.viewUrl({ ...ref, fileName });
    const renamed = { ...describeRecord(record), fileName, url };
    const { ownerId: _, metadata: __, ...stored } = renamed;
    if (await ledger.rename({ file: stored, from: record.fileName, actor: options.actor ?? null })) return renamed;
  }
  throw new WaybillError('upload_conflict', 'Another request is changing this file. Try again.');
}

/** @throws {WaybillError} `invalid_request` */
export function requireFileName(given: unknown): string {
  if (typeof given === 'string' && given.trim() !== '' && Buffer.byteLength(given) <= maxNameBytes)
    return cleanFileName(given);
  throw new WaybillError('invalid_request', 'The request is not valid: `fileName` must have 1 to 255 bytes.', {
    details: { issues: [{ path: 'fileName', message: 'must have 1 to 255 bytes' }] },
  });
}

/**
 * Deletes a file for good. Returns false when there is none: it was deleted before, or has another owner.
 *
 * @throws {WaybillError} `upload_conflict` while another upload is being stored at its key
 */
export async function removeFile(
  context: FileContext,
  { deleteFile }: Pick<CompletionService, 'deleteFile'>,
  file: string,
  options: ChangeOptions = {},
): Promise<boolean> {
  const target = await findFileToRemove(context, file);
  if (!target || (options.ownerId !== undefined && target.ownerId !== options.ownerId)) return false;
  const { key, uploadId, route } = target;
  return deleteFile({ key, uploadId }, { reason: 'server', actor: options.actor ?? null }, route);
}

/** A file whose deletion is recorded is found as well, because its object may still have to be deleted. */
async function findFileToRemove(context: FileContext, file: string) {
  const { ledger } = context.config;
  if (!ledger || !isUploadId(file)) return (await findFile(context, file).catch(nullWhenMissing))?.ref ?? null;
  const record = await ledger.find(file);
  return record && (record.state === 'completed' || record.state === 'deleted') ? record : null;
}
