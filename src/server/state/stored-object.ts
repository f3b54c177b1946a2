/**
 * Whether the object at a key is still the one that an upload stored. A key may come again: a `key` callback can return
 * it for another upload once the first file is gone, and what names the first file must not reach the second.
 */
import type { ObjectInfo, Storage } from '../../s3/index.ts';

import type { Ledger } from './ledger.ts';

/** By the mark that {@link promote} left; of a shared object by the row of the upload that it names. */
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
  // Only the same owner's files on the same route share an object. A row that ended long ago may be forgotten.
  return !other || (other.key === own.key && other.ownerId === own.ownerId && other.route === own.route);
}

/** Deletes the object that was looked at, and no other that has its key by now, where the storage can tell. */
export function deleteIfUnchanged(storage: Storage, { key, etag }: ObjectInfo): Promise<boolean> {
  return storage.delete(key, { ifMatch: etag });
}

/** `x-amz-meta-*` of a promoted object: which upload it came from, so that a delete finds its marker. */
export const uploadIdHeader = 'waybill-upload';
