/** The files that are stored, as the app manages them: list, rename, copy, delete, export and forget. */
import type { Completed } from '../completion/result.ts';
import type { CompletionService } from '../completion/service.ts';
import type { AuditFilter, AuditPage } from '../state/file-ledger.ts';
import { removeFile, renameFile } from './change-file.ts';
import { type CopyContext, copyFile } from './copy-file.ts';
import { exportOwner } from './export-owner.ts';
import { describeOwnedFile, findFile, findObject, needsLedger, nullWhenMissing } from './find-file.ts';
import { type ForgetContext, forgetOwner } from './forget-owner.ts';
import { listFiles } from './list-files.ts';
import type {
  ChangeOptions,
  CopyFileOptions,
  ExportOptions,
  FileOptions,
  FilePage,
  ForgetOptions,
  ForgetReport,
  ListOptions,
  OwnedFile,
  OwnerExport,
} from './types.ts';

/**
 * Manages stored files. A `file` is an `uploadId`, a `file.url`, or the reference at the end of that URL. Without a
 * ledger the URL is required.
 */
export interface FileService {
  /**
   * Returns one page of the stored files of an owner. Without a ledger it needs `route`, and asks the storage about
   * each file.
   *
   * @example
   * let cursor = null;
   * do {
   *   const page = await uploads.list({ ownerId: 'u-1', route: 'photos', cursor });
   *   for (const { fileName, size } of page.files) console.log(fileName, size);
   *   cursor = page.cursor;
   * } while (cursor);
   * @throws {WaybillError} `invalid_request` for a cursor, a limit or an owner that is not valid, `config_invalid`
   * where the answer needs a ledger
   */
  list(options: ListOptions): Promise<FilePage>;
  /**
   * Describes a stored file, after a look at its object in the storage. Returns null when there is none.
   *
   * @example const file = await uploads.head(uploadId, { ownerId: session.userId })
   * @throws {WaybillError} `config_invalid` for an `uploadId` without a ledger
   */
  head(file: string, options?: FileOptions): Promise<OwnedFile | null>;
  /**
   * Changes `fileName`. The key, the object and every earlier URL stay as they are. Store the new `url`: an earlier one
   * saves the file under its earlier name.
   *
   * @example const { url } = await uploads.rename(file.url, 'Holiday.jpg', { ownerId: session.userId })
   * @throws {WaybillError} `upload_not_found`, `invalid_request` for an unusable name, or `config_invalid` without a
   * ledger
   */
  rename(file: string, fileName: string, options?: ChangeOptions): Promise<OwnedFile>;
  /**
   * Copies a stored file, on the same route. The copy is an upload of its own: it has its own `uploadId`, it counts in
   * the quota, and `onComplete` runs for it.
   *
   * @example const { file } = await uploads.copy(original.url, { to: { ownerId: 'u-2' } })
   * @throws {WaybillError} `upload_not_found`, `quota_exceeded`, `invalid_request`, `upload_conflict` for a key that
   * has a file, or `callback_failed` when `onComplete` threw: then the sweep runs it again
   */
  copy(file: string, options?: CopyFileOptions): Promise<Completed>;
  /**
   * Deletes a stored file for good: an unexpired URL cannot bring it back. Returns false when there is none, or it has
   * another owner than `ownerId`.
   *
   * @example await uploads.delete(file.uploadId, { ownerId: session.userId, actor: session.userId })
   * @throws {WaybillError} `upload_conflict` while another upload is being stored at its key
   */
  delete(file: string, options?: ChangeOptions): Promise<boolean>;
  /**
   * Returns one page of the audit trail, the newest entry first.
   *
   * @example const { entries, next } = await uploads.audit({ ownerId: 'u-1' })
   * @throws {WaybillError} `config_invalid` without a ledger, `invalid_request` for a cursor that is not valid
   */
  audit(filter: AuditFilter): Promise<AuditPage>;
  /**
   * Deletes every file of an owner, ends every unfinished upload, and erases what is recorded. Call it again until
   * `done` is true: it continues where an earlier call stopped. Refuse the owner in `authorize` first.
   *
   * @example const { done } = await uploads.forgetOwner('u-1', { actor: 'privacy-desk' })
   * @throws {WaybillError} errors of the storage and of the ledger, after which it can be called again; without a
   * ledger `config_invalid` when a route has `key`
   */
  forgetOwner(ownerId: string, options?: ForgetOptions): Promise<ForgetReport>;
  /**
   * Returns one page of a manifest of all files of an owner, each with a request that downloads it.
   *
   * @example const { files, cursor } = await uploads.exportOwner('u-1', { expiresInSeconds: 86_400 })
   * @throws {WaybillError} `config_invalid` without a ledger, `invalid_request` for an argument that is not valid
   */
  exportOwner(ownerId: string, options?: ExportOptions): Promise<OwnerExport>;
}

export function createFileService(context: CopyContext & ForgetContext, completion: CompletionService): FileService {
  return {
    list: (options) => listFiles(context, options),
    async head(file, options) {
      const found = await findFile(context, file, options).catch(nullWhenMissing);
      const info = found && (await findObject(context.config, found));
      return info ? describeOwnedFile(context, found, info) : null;
    },
    rename: (file, fileName, options) => renameFile(context, file, fileName, options),
    copy: (file, options) => copyFile(context, completion, file, options),
    delete: (file, options) => removeFile(context, completion, file, options),
    async audit(filter) {
      if (!context.config.ledger) throw needsLedger('`audit()`');
      return context.config.ledger.audit(filter);
    },
    forgetOwner: (ownerId, options) => forgetOwner(context, completion, ownerId, options),
    exportOwner: (ownerId, options) => exportOwner(context, ownerId, options),
  };
}
