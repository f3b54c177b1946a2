/** Reads `x-amz-copy-source` and its conditions, for CopyObject and UploadPartCopy. */
import type { Bucket } from './bucket.ts';
import { noSuchKey, type ObjectCall } from './call.ts';
import { checkReadConditions, copySourceConditions, preconditionFailed } from './conditions.ts';
import { invalidArgument, StoreError } from './errors.ts';
import { checkKey, decodeUri } from './keys.ts';
import type { OpenObject } from './object-files.ts';
import { checkOwner } from './ownership.ts';

export interface CopySource {
  bucket: Bucket;
  /** Byte string. */
  key: string;
  object: OpenObject;
}

/**
 * The caller must close the object.
 * @throws StoreError NoSuchBucket, NoSuchKey, AccessDenied, PreconditionFailed, InvalidArgument
 */
export async function openCopySource(call: ObjectCall): Promise<CopySource> {
  const header = call.headers.get('x-amz-copy-source') ?? '';
  const { bucketName, key } = parseCopySource(header);
  const bucket = call.store.buckets.get(bucketName);
  if (!bucket) throw new StoreError('NoSuchBucket', { details: { BucketName: bucketName } });
  checkOwner(call, bucket, 'x-amz-source-expected-bucket-owner');
  const object = await bucket.open(checkKey(key));
  if (!object) throw noSuchKey(key);
  const failedCondition = checkReadConditions(call.headers, object.record, copySourceConditions, call.store.now());
  if (!failedCondition) return { bucket, key, object };
  await object.close();
  throw preconditionFailed(failedCondition.condition);
}

function parseCopySource(header: string): { bucketName: string; key: string } {
  const question = header.lastIndexOf('?versionId=');
  const path = question < 0 ? header : header.slice(0, question);
  const version = question < 0 ? 'null' : header.slice(question + '?versionId='.length);
  // Some clients also encode the slash between bucket and key. AWS decodes a plus as a space, as in forms.
  const decoded = decodeUri(path.replace(/^(\/|%2F)/i, '').replaceAll('+', ' '));
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1)
    throw invalidArgument('Invalid copy source object key', 'x-amz-copy-source', 'x-amz-copy-source');
  if (version !== 'null') throw invalidArgument('Invalid version id specified', 'versionId', version);
  return { bucketName: decoded.slice(0, slash), key: decoded.slice(slash + 1) };
}

/**
 * Whether the ETag depends only on the bytes, so that a copy has the same one. The ETag of a multipart object also
 * depends on its parts.
 */
export function isSinglePartEtag(etag: string): boolean {
  return /^[0-9a-f]{32}$/.test(etag);
}
