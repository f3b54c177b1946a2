/** The tagging operations on objects and buckets. */
import { readDocument } from './body.ts';
import { type BucketCall, noContent, noSuchKey, type ObjectCall, type Reply, xmlReply } from './call.ts';
import { StoreError } from './errors.ts';
import { checkVersion } from './get.ts';
import { bucketTagLimits, objectTagLimits, parseTagDocument, tagDocument } from './tags.ts';

const maxDocumentBytes = 128 * 1024;

export async function putObjectTagging(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  const tags = parseTagDocument(await readDocument(call, maxDocumentBytes), objectTagLimits);
  if (!(await call.bucket.setTags(call.key, tags))) throw noSuchKey(call.key);
  return { status: 200 };
}

export async function getObjectTagging(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  const record = await call.bucket.head(call.key);
  if (!record) throw noSuchKey(call.key);
  return xmlReply(tagDocument(record.tags));
}

export async function deleteObjectTagging(call: ObjectCall): Promise<Reply> {
  checkVersion(call);
  if (!(await call.bucket.setTags(call.key, []))) throw noSuchKey(call.key);
  return noContent;
}

export async function putBucketTagging(call: BucketCall): Promise<Reply> {
  const tags = parseTagDocument(await readDocument(call, maxDocumentBytes), bucketTagLimits);
  await call.bucket.save({ tags });
  return noContent;
}

export async function getBucketTagging({ bucket }: BucketCall): Promise<Reply> {
  const { name, tags = [] } = bucket.info;
  if (tags.length === 0) throw new StoreError('NoSuchTagSet', { details: { BucketName: name } });
  return xmlReply(tagDocument(tags));
}

export async function deleteBucketTagging({ bucket }: BucketCall): Promise<Reply> {
  await bucket.save({ tags: [] });
  return noContent;
}
