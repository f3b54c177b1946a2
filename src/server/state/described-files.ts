/** The facts of a file as callbacks and webhooks get them, when it was not stored or has been deleted. */
import type { StoredFile } from '../../protocol/index.ts';
import type { GrantedFile } from '../callback-inputs.ts';
import type { UploadRecord } from './ledger.ts';

export function grantedFile({ key, fileName, contentType, size, checksum }: GrantedFile): GrantedFile {
  return { key, fileName, contentType, size, checksum };
}

/** Its URL would lead nowhere, and is left out. */
export function deletedFile({ uploadId, file }: UploadRecord): Omit<StoredFile, 'url'> {
  if (!file) throw new Error(`The ledger has a stored file of upload ${uploadId} without its facts.`);
  const { url: _, ...facts } = file;
  return facts;
}
