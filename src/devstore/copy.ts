/** CopyObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
import { randomUUID } from 'node:crypto';
import { maxPutBytes } from './body.ts';
import { type ObjectCall, quoteEtag, type Reply, xmlReply } from './call.ts';
import { checksumElements, readAlgorithm } from './checksums.ts';
import { checkWriteCondition, readWriteCondition } from './conditions.ts';
import { copyContent, removeContent } from './copy-content.ts';
import { openCopySource } from './copy-source.ts';
import { invalidArgument, invalidRequest } from './errors.ts';
import { describeObject, encryptionHeader, type ObjectDescription } from './object-headers.ts';
import { publishObject, toWholeSecond } from './put.ts';
import type { ObjectRecord } from './record.ts';
import { xmlDocument } from './xml-write.ts';

export async function copyObject(call: ObjectCall): Promise<Reply> {
  const { bucket, key, store, headers } = call;
  const requested = describeObject(headers);
  const condition = readWriteCondition(headers);
  const replaceMetadata = readReplaceDirective(call, 'x-amz-metadata-directive');
  const replaceTags = readReplaceDirective(call, 'x-amz-tagging-directive');
  const algorithm = readAlgorithm(headers, 'x-amz-checksum-algorithm');
  const source = await openCopySource(call);
  const { record: sourceRecord } = source.object;
  const draft = store.buckets.draft();
  /** Content that no published record owns yet. */
  let content: Awaited<ReturnType<typeof copyContent>> | undefined;
  const watch = condition ? bucket.watch(key) : undefined;
  try {
    if (sourceRecord.size > maxPutBytes)
      throw invalidRequest(
        'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120',
      );
    const changes =
      replaceMetadata ||
      replaceTags ||
      algorithm !== undefined ||
      ['x-amz-storage-class', 'x-amz-server-side-encryption', 'x-amz-website-redirect-location'].some((name) =>
        headers.has(name),
      );
    if (source.bucket === bucket && source.key === key && !changes)
      throw invalidRequest(
        'This copy request is illegal because it is trying to copy an object to itself without changing the ' +
          "object's metadata, storage class, website redirect location or encryption attributes.",
      );
    if (condition) checkWriteCondition(condition, key, await bucket.head(key));
    call.sendContinue();
    const description = describeCopy(sourceRecord, requested, { replaceMetadata, replaceTags });
    content = await copyContent(call, source.object, draft, algorithm);
    const record: ObjectRecord = {
      ...description,
      key,
      id: randomUUID(),
      size: sourceRecord.size,
      modified: toWholeSecond(store.now()),
      ...content,
    };
    await publishObject(call, record, draft, { condition, hasConflict: () => watch?.deleted ?? false });
    content = undefined;
    return xmlReply(
      xmlDocument('CopyObjectResult', {
        LastModified: new Date(record.modified).toISOString(),
        ETag: quoteEtag(record.etag),
        ...checksumElements(record.checksum),
      }),
      encryptionHeader,
    );
  } finally {
    watch?.end();
    await source.object.close();
    await draft.discard();
    if (content) await removeContent(call, content);
  }
}

/** Returns true for REPLACE. */
function readReplaceDirective({ headers }: ObjectCall, name: string): boolean {
  const value = headers.get(name) ?? 'COPY';
  if (value === 'REPLACE' || value === 'COPY') return value === 'REPLACE';
  throw invalidArgument(
    `Unknown ${name === 'x-amz-tagging-directive' ? 'tagging' : 'metadata'} directive.`,
    name,
    value,
  );
}

function describeCopy(
  sourceRecord: ObjectRecord,
  requested: ObjectDescription,
  { replaceMetadata, replaceTags }: { replaceMetadata: boolean; replaceTags: boolean },
): ObjectDescription {
  const redirect = requested.headers['x-amz-website-redirect-location'];
  // A copy does not inherit the redirect location or the storage class.
  const { 'x-amz-website-redirect-location': _dropped, ...inherited } = sourceRecord.headers;
  const headers = replaceMetadata ? requested.headers : inherited;
  return {
    headers: {
      ...headers,
      ...(redirect ? { 'x-amz-website-redirect-location': redirect } : {}),
    },
    metadata: replaceMetadata ? requested.metadata : sourceRecord.metadata,
    tags: replaceTags ? requested.tags : sourceRecord.tags,
    storageClass: requested.storageClass,
  };
}
