/**
 * Tells which upload has stored an object. A `key` callback can return the key of a deleted file for another upload,
 * and a reference to the first file must not reach the second.
 */
import type { ObjectInfo, Storage } from '../../s3/index.ts';
import type { Ledger } from './ledger.ts';

/** The metadata header (`x-amz-meta-*`) of a stored file that names its upload. */
export const uploadIdHeader = 'waybill-upload';

/** Whether the upload has stored this object, or shares it with the upload that has. */
export async function isObjectOfUpload(
  ledger: Pick<Ledger, 'find'> | undefined,
  { metadata }: ObjectInfo,
  of: { key: string; uploadId: string },
): Promise<boolean> {
  const mark = metadata[uploadIdHeader];
  if (mark === undefined || mark === of.uploadId) return mark !== undefined;
  const own = await ledger?.find(of.uploadId);
  if (own?.transfer !== 'none' || own.key !== of.key) return false;
  const other = await ledger?.find(mark);
  // Only files of the same owner on the same route share an object. The row of an upload that ended long ago may be
  // deleted.
  return !other || (other.key === own.key && other.ownerId === own.ownerId && other.route === own.route);
}

/** Deletes the object that was read. Where the storage checks the ETag, a newer object at the same key stays. */
export function deleteIfUnchanged(storage: Storage, { key, etag }: ObjectInfo): Promise<boolean> {
  return storage.delete(key, { ifMatch: etag });
}
