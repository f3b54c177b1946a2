/** PutObject: writes the body to a draft, checks it, and publishes it. */
import { randomUUID } from 'node:crypto';
import { prepareBody } from './body.ts';
import { deletedBucket, type ObjectCall, quoteEtag, type Reply } from './call.ts';
import { checksumHeaders, type ObjectChecksum } from './checksums.ts';
import { checkWriteCondition, readWriteCondition, type WriteCondition } from './conditions.ts';
import type { Draft } from './files.ts';
import { isMissing } from './files.ts';
import { describeObject, encryptionHeader } from './object-headers.ts';
import type { ObjectRecord } from './record.ts';

export async function putObject(call: ObjectCall): Promise<Reply> {
  const { bucket, key, store } = call;
  const description = describeObject(call.headers);
  const condition = readWriteCondition(call.headers);
  const body = prepareBody(call);
  // This early check avoids receiving a body in vain. The check that counts is under the lock, in publishObject.
  if (condition) checkWriteCondition(condition, key, await bucket.head(key));
  const watch = condition ? bucket.watch(key) : undefined;
  const draft = store.buckets.draft();
  try {
    const actual = await body.receive((data) => draft.write(data));
    const checksum: ObjectChecksum = { algorithm: body.algorithm, value: actual.checksum, type: 'FULL_OBJECT' };
    const record: ObjectRecord = {
      ...description,
      key,
      id: randomUUID(),
      size: actual.size,
      etag: actual.etag,
      modified: toWholeSecond(store.now()),
      checksum,
    };
    await publishObject(call, record, draft, { condition, hasConflict: () => watch?.deleted ?? false });
    return {
      status: 200,
      headers: { etag: quoteEtag(record.etag), ...checksumHeaders(checksum), ...encryptionHeader },
    };
  } finally {
    watch?.end();
    await draft.discard();
  }
}

/** Last-Modified has whole seconds, and conditions compare with it. */
export function toWholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** @throws StoreError PreconditionFailed, ConditionalRequestConflict, NoSuchKey, NoSuchBucket */
export async function publishObject(
  { bucket, store }: Pick<ObjectCall, 'bucket' | 'store'>,
  record: ObjectRecord,
  draft: Draft,
  options: { condition?: WriteCondition; hasConflict?: () => boolean } = {},
): Promise<void> {
  await draft.finish(record);
  try {
    await bucket.commit(record, draft, (present) => {
      // The bucket may have been deleted, and another one created, while the body was received.
      if (store.buckets.get(bucket.info.name) !== bucket) throw deletedBucket(bucket);
      checkWriteCondition(options.condition, record.key, present, options.hasConflict?.());
    });
  } catch (error) {
    throw isMissing(error) ? deletedBucket(bucket) : error;
  }
}
