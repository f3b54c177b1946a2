import type { ObjectInfo } from '../../s3/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { uploadIdOfKey } from '../grants/keys.ts';
import { hasCharset } from '../shared/charset.ts';
import { isObjectOfUpload } from '../state/stored-object.ts';
import type { ViewRef } from './view-refs.ts';

/**
 * Finds the stored object of a view. `info` is null when the storage did not have to be asked. Returns null when the
 * file does not exist any more.
 */
export async function findStored(
  config: Pick<Config, 'storage' | 'ledger'>,
  route: ResolvedRoute,
  ref: ViewRef,
): Promise<{ info: ObjectInfo | null } | null> {
  const found = await findUpload(config, route, ref);
  if (!found || found.info || ref.charset !== undefined || !hasCharset(ref.contentType)) return found;
  // Older references to text do not contain its charset, but the object does.
  const info = await config.storage.head(ref.key);
  return info && { info };
}

export async function findUpload(
  { storage, ledger }: Pick<Config, 'storage' | 'ledger'>,
  route: ResolvedRoute,
  ref: ViewRef,
): Promise<{ info: ObjectInfo | null } | null> {
  const named = route.definition.key ? null : uploadIdOfKey(ref);
  // No other upload stores an object at a default key that contains the id of this upload.
  if (named === ref.uploadId && !route.definition.dedupe) return { info: null };
  if (ledger) {
    const record = await ledger.find(ref.uploadId);
    if (record && (record.state !== 'completed' || record.key !== ref.key)) return null;
    // The key is the default key of another upload that shares its object with this one.
    if (named !== null) return record && { info: null };
  }
  const info = await storage.head(ref.key);
  return info && (await isObjectOfUpload(ledger, info, ref)) ? { info } : null;
}
