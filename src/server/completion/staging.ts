/**
 * What happens to the staging key of an upload that has ended, and when its reservation is given back.
 *
 * The upload's request is signed until it expires, whatever became of the upload. Where a quota counts, an empty object is
 * left at the staging key: the request carries `If-None-Match: *`, so that nothing can be stored there any more, and the
 * reservation can be given back at once. The sweep removes the empty object when no request for it can be under way.
 */
import type { ObjectInfo } from '../../s3/index.ts';
import type { Config } from '../config.ts';
import { stagingKeyOf } from '../shared/staging-key.ts';
import type { Claims } from '../state/claims.ts';
import { deleteIfUnchanged, isObjectOfUpload, uploadIdHeader } from '../state/stored-object.ts';

type Context = Pick<Config, 'storage' | 'ledger' | 'stagingPrefix' | 'routes' | 'quota'>;

const placeholderHeader = 'waybill-seal';

/** An object that {@link closeStaging} left. A sender who claims as much of its own object stores no byte by it. */
export function isPlaceholder({ size, metadata }: Pick<ObjectInfo, 'size' | 'metadata'>): boolean {
  return size === 0 && metadata[placeholderHeader] !== undefined;
}

/** Whether what is stored counts against a quota. Of a route that is gone only the quota over all routes is known. */
function isCounted({ ledger, routes, quota }: Context, route: string): boolean {
  return ledger !== undefined && (routes.get(route)?.counted ?? quota !== null);
}

/** Whether an empty object at the staging key is left behind, and keeps the upload's request from storing. */
export function leavesPlaceholder(context: Context, { route, partSize, shared }: Claims): boolean {
  const { once } = context.storage.capabilities;
  return isCounted(context, route) && once && partSize === null && !shared;
}

/**
 * Removes what was staged.
 *
 * @returns whether nothing more can be stored: false where a quota counts, and the storage cannot refuse a second write
 */
export async function closeStaging(context: Context, claims: Claims): Promise<boolean> {
  const { storage } = context;
  const key = stagingKeyOf(context, claims.uploadId);
  if (leavesPlaceholder(context, claims)) {
    await storage.put({ key, body: '', contentType: 'application/octet-stream', metadata: { [placeholderHeader]: '1' } });
    return true;
  }
  await storage.delete(key);
  // The requests of parts end with their multipart upload.
  return claims.partSize !== null || !isCounted(context, claims.route);
}

/** The object of an upload that shared another's goes when no upload needs it any more. */
export async function deleteSharedObject(
  { storage, ledger }: Pick<Context, 'storage' | 'ledger'>,
  claims: Claims,
): Promise<void> {
  const { key, uploadId } = claims;
  if (!ledger || (await ledger.isObjectNeeded(key))) return;
  const info = await storage.head(key);
  if (!info || !(await isObjectOfUpload(ledger, info, { key, uploadId }))) return;
  const owner = await ledger.find(info.metadata[uploadIdHeader] as string);
  // Another upload may be about to make its file of it.
  if (!owner || owner.state === 'deleted') await deleteIfUnchanged(storage, info);
}
