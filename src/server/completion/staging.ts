/**
 * Closes the staging key of an upload that has ended, and tells when the reservation of the upload can be given back.
 *
 * The presigned request of an upload stays valid until it expires, even when the upload has ended. On a route with a
 * quota, an empty placeholder is therefore left at the staging key: the request has `If-None-Match: *`, so it can store
 * nothing there any more, and the reservation can be given back at once. The sweep deletes the placeholder when the
 * request cannot be in progress any more.
 */
import type { ObjectInfo } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims } from '../state/claims.ts';
import { deleteIfUnchanged, isObjectOfUpload, uploadIdHeader } from '../state/stored-object.ts';

type Context = Pick<Config, 'storage' | 'ledger' | 'stagingPrefix' | 'routes' | 'quota'>;

const placeholderHeader = 'waybill-seal';

/** Whether {@link closeStaging} left this object. A sender who imitates a placeholder gains nothing: it is empty. */
export function isPlaceholder({ size, metadata }: Pick<ObjectInfo, 'size' | 'metadata'>): boolean {
  return size === 0 && metadata[placeholderHeader] !== undefined;
}

/**
 * Whether stored files count against a quota. For a route that no longer exists only the quota over all routes is
 * known.
 */
function isCounted({ ledger, routes, quota }: Context, route: string): boolean {
  return ledger !== undefined && (routes.get(route)?.counted ?? quota !== null);
}

/** Whether the end of this upload leaves a placeholder at its staging key. */
export function leavesPlaceholder(context: Context, { route, partSize, shared }: Claims): boolean {
  const { once } = context.storage.capabilities;
  return isCounted(context, route) && once && partSize === null && !shared;
}

/**
 * Deletes the staged object, or replaces it with a placeholder.
 *
 * @returns whether nothing more can be stored; false on a route with a quota when the storage cannot refuse a second
 * write
 */
export async function closeStaging(context: Context, claims: Claims): Promise<boolean> {
  const { storage } = context;
  const key = stagingKeyOf(context, claims.uploadId);
  if (leavesPlaceholder(context, claims)) {
    await storage.put({
      key,
      body: '',
      contentType: 'application/octet-stream',
      metadata: { [placeholderHeader]: '1' },
    });
    return true;
  }
  await storage.delete(key);
  // The requests for parts become invalid with their multipart upload.
  return claims.partSize !== null || !isCounted(context, claims.route);
}

/** Deletes the object that an upload shared with another one, unless another upload still needs it. */
export async function deleteSharedObject(
  { storage, ledger }: Pick<Context, 'storage' | 'ledger'>,
  claims: Claims,
): Promise<void> {
  const { key, uploadId } = claims;
  if (!ledger || (await ledger.isObjectNeeded(key))) return;
  const info = await storage.head(key);
  if (!info || !(await isObjectOfUpload(ledger, info, { key, uploadId }))) return;
  const owner = await ledger.find(info.metadata[uploadIdHeader] as string);
  // The upload that stored the object may be about to complete.
  if (!owner || owner.state === 'deleted') await deleteIfUnchanged(storage, info);
}
