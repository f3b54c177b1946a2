import type { ObjectInfo } from '../../s3/index.ts';
import type { Config, ResolvedRoute } from '../config.ts';
import { uploadIdOfKey } from '../grants/keys.ts';
import { hasCharset } from '../shared/charset.ts';
import { isObjectOfUpload } from '../state/stored-object.ts';
import type { ViewRef } from './view-refs.ts';

/**
 * What a view needs to know before it leads to the object. `info` is null where nothing had to be asked of the storage.
 * Null when the file is gone.
 */
export async function findStored(
  config: Pick<Config, 'storage' | 'ledger'>,
  route: ResolvedRoute,
  ref: ViewRef,
): Promise<{ info: ObjectInfo | null } | null> {
  const found = await findUpload(config, route, ref);
  if (!found || found.info || ref.charset !== undefined || !hasCharset(ref.contentType)) return found;
  // Older references to text do not say its encoding; the object does.
  const info = await config.storage.head(ref.key);
  return info && { info };
}

export async function findUpload(
  { storage, ledger }: Pick<Config, 'storage' | 'ledger'>,
  route: ResolvedRoute,
  ref: ViewRef,
): Promise<{ info: ObjectInfo | null } | null> {
  const named = route.definition.key ? null : uploadIdOfKey(ref);
  // Nothing but this upload ever stores an object at a key that carries its id.
  if (named === ref.uploadId && !route.definition.dedupe) return { info: null };
  if (ledger) {
    const record = await ledger.find(ref.uploadId);
    if (record && (record.state !== 'completed' || record.key !== ref.key)) return null;
    // The key is the default one of an upload with which this one shares the object.
    if (named !== null) return record && { info: null };
  }
  const info = await storage.head(ref.key);
  return info && (await isObjectOfUpload(ledger, info, ref)) ? { info } : null;
}
