/**
 * CreateMultipartUpload, CompleteMultipartUpload and AbortMultipartUpload.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readDocument } from './body.ts';
import type { Bucket } from './bucket.ts';
import { noContent, type ObjectCall, quoteEtag, type Reply, xmlReply } from './call.ts';
import {
  algorithmNames,
  algorithms,
  checksumElements,
  checksumHeaderName,
  type ObjectChecksum,
  readAlgorithm,
} from './checksums.ts';
import { checkWriteCondition, preconditionFailed, readWriteCondition } from './conditions.ts';
import { invalidRequest, StoreError } from './errors.ts';
import { writeJson } from './files.ts';
import type { KeyWatch } from './key-watches.ts';
import { fromBytes } from './keys.ts';
import { describeObject, encryptionHeader } from './object-headers.ts';
import { multipartChecksum, multipartEtag, readPartList, selectParts } from './part-list.ts';
import { publishObject, toWholeSecond } from './put.ts';
import type { ObjectRecord } from './record.ts';
import { ownerFile, readOwner, removeUnusedFiles, uploadFolder, uploadInfoFile } from './upload-folders.ts';
import type { FolderOwner, UploadInfo } from './upload-info.ts';
import { xmlDocument } from './xml-write.ts';

/**
 * Whether the keys of uploads were written or deleted since the uploads began, by multipartId. Conditional completion
 * needs it. It is lost when the process ends.
 */
const watches = new WeakMap<Bucket, Map<string, KeyWatch>>();

function getWatches(bucket: Bucket): Map<string, KeyWatch> {
  const known = watches.get(bucket) ?? new Map<string, KeyWatch>();
  watches.set(bucket, known);
  return known;
}

function endWatch(bucket: Bucket, multipartId: string): void {
  getWatches(bucket).get(multipartId)?.end();
  getWatches(bucket).delete(multipartId);
}

export function noSuchUpload(multipartId: string): StoreError {
  return new StoreError('NoSuchUpload', { details: { UploadId: multipartId } });
}

/** @throws StoreError NoSuchUpload */
export function requireUpload({ bucket, key, query }: ObjectCall): UploadInfo {
  const multipartId = query.get('uploadId') ?? '';
  const upload = bucket.uploads.get(multipartId);
  if (!upload || upload.key !== key) throw noSuchUpload(multipartId);
  return upload;
}

export async function createMultipartUpload(call: ObjectCall): Promise<Reply> {
  const { bucket, key, store, headers, caller } = call;
  const description = describeObject(headers);
  const algorithm = readAlgorithm(headers, 'x-amz-checksum-algorithm');
  const type = readChecksumType(headers.get('x-amz-checksum-type'), algorithm);
  await readDocument(call, 0, { ignoreChecksum: true });
  const multipartId = randomBytes(32).toString('hex');
  const upload: UploadInfo = {
    ...description,
    multipartId,
    key,
    ownerId: caller.id,
    initiated: store.now(),
    ...(algorithm && type ? { algorithm, type } : {}),
  };
  const folder = uploadFolder(bucket, multipartId);
  await mkdir(folder);
  await writeJson(store.buckets.draftsPath, join(folder, uploadInfoFile), upload, store.buckets.options);
  bucket.uploads.add(upload);
  getWatches(bucket).set(multipartId, bucket.watch(key));
  return xmlReply(
    xmlDocument('InitiateMultipartUploadResult', {
      Bucket: bucket.info.name,
      Key: fromBytes(key),
      UploadId: multipartId,
    }),
    {
      'x-amz-checksum-algorithm': algorithm,
      'x-amz-checksum-type': type,
      ...encryptionHeader,
    },
  );
}

function readChecksumType(given: string | undefined, algorithm: UploadInfo['algorithm']): UploadInfo['type'] {
  if (!algorithm) {
    if (given === undefined) return undefined;
    throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
  }
  const { types } = algorithms[algorithm];
  const name = given?.toUpperCase();
  if (name === undefined) return types[0];
  const type = types.find((candidate) => candidate === name);
  if (type) return type;
  if (name !== 'COMPOSITE' && name !== 'FULL_OBJECT')
    throw invalidRequest('Value for x-amz-checksum-type header is invalid.');
  throw invalidRequest(
    `The ${name} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

/** A list of 10,000 parts with the longest checksum element is smaller. */
const maxDocumentBytes = 4 * 1024 * 1024;

export async function completeMultipartUpload(call: ObjectCall): Promise<Reply> {
  const { bucket, key, store, query, headers } = call;
  const multipartId = query.get('uploadId') ?? '';
  const condition = readWriteCondition(headers);
  if (bucket.uploads.get(multipartId)?.key !== key && (await readOwner(bucket, multipartId))?.key !== key)
    throw noSuchUpload(multipartId);
  const listed = readPartList(await readDocument(call, maxDocumentBytes, { ignoreChecksum: true }));
  const partList = listed.map(({ partNumber, etag }) => `${partNumber}:${etag}`).join(',');
  return store.buckets.locks.run(`upload ${multipartId}`, async () => {
    const upload = bucket.uploads.get(multipartId);
    if (!upload || upload.key !== key) return repeatCompletion(call, multipartId, partList);
    checkTypeHeader(headers.get('x-amz-checksum-type'), upload);
    const storedParts = bucket.uploads.parts(multipartId);
    const parts = selectParts(listed, storedParts, upload);
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    checkSizeHeader(headers.get('x-amz-mp-object-size'), size);
    const checksum = multipartChecksum(upload, parts);
    checkChecksumHeader(headers, checksum, upload);
    const existing = await bucket.head(key);
    const watch = getWatches(bucket).get(multipartId);
    // Only changes of the key while the upload was in progress are a conflict.
    const hasConflict = () => watch?.deleted === true || (condition?.kind === 'etag' && watch?.written === true);
    if (condition) checkWriteCondition(condition, key, existing, hasConflict());

    const record: ObjectRecord = {
      key,
      id: randomUUID(),
      size,
      etag: multipartEtag(parts),
      modified: toWholeSecond(store.now()),
      headers: upload.headers,
      metadata: upload.metadata,
      tags: upload.tags,
      storageClass: upload.storageClass,
      checksum,
      multipartId,
      parts: parts.map((part) => ({
        partNumber: part.partNumber,
        size: part.size,
        etag: part.etag,
        ...(upload.algorithm && part.checksum !== undefined ? { checksum: part.checksum } : {}),
      })),
    };
    const owner: FolderOwner = { multipartId, key, partList };
    const folder = uploadFolder(bucket, multipartId);
    const { draftsPath, options } = store.buckets;
    // The owner file is written before the object is published, so that a start after a crash can recover.
    await writeJson(draftsPath, join(folder, ownerFile), owner, options);
    const draft = store.buckets.draft();
    try {
      await publishObject(call, record, draft, { condition, hasConflict });
    } catch (error) {
      await unlink(join(folder, ownerFile)).catch(() => {});
      throw error;
    } finally {
      await draft.discard();
    }
    await unlink(join(folder, uploadInfoFile));
    bucket.uploads.delete(multipartId);
    endWatch(bucket, multipartId);
    await removeUnusedFiles(folder, storedParts, new Set(parts.map(({ partNumber }) => partNumber)));
    return completeReply(call, record);
  });
}

/** Answers a repeated completion. As in S3 it succeeds while the key still has the object of this upload. */
async function repeatCompletion(call: ObjectCall, multipartId: string, partList: string): Promise<Reply> {
  const { bucket, key } = call;
  const owner = await readOwner(bucket, multipartId);
  const existing = owner && owner.key === key && owner.partList === partList ? await bucket.head(key) : null;
  if (existing?.multipartId === multipartId) return completeReply(call, existing);
  throw noSuchUpload(multipartId);
}

function completeReply({ bucket, headers, rawPath }: ObjectCall, record: ObjectRecord): Reply {
  return xmlReply(
    xmlDocument('CompleteMultipartUploadResult', {
      Location: `http://${headers.get('host') ?? 'localhost'}${rawPath}`,
      Bucket: bucket.info.name,
      Key: fromBytes(record.key),
      ETag: quoteEtag(record.etag),
      ...checksumElements(record.checksum),
    }),
    encryptionHeader,
  );
}

function checkTypeHeader(given: string | undefined, { type }: UploadInfo): void {
  if (given === undefined || given.toUpperCase() === type) return;
  throw invalidRequest(
    `The upload was created using the ${type ?? 'null'} checksum mode. The complete request must use the ` +
      'same checksum mode.',
  );
}

function checkSizeHeader(given: string | undefined, size: number): void {
  if (given === undefined || given === String(size)) return;
  if (!/^\d+$/.test(given)) throw invalidRequest('Value for x-amz-mp-object-size header is invalid.');
  throw invalidRequest(
    `The provided 'x-amz-mp-object-size' header value ${given} does not match what was computed: ${size}`,
  );
}

/**
 * On completion a checksum header is about the object, not about the request body. Without `x-amz-checksum-type` AWS
 * treats it as composite, which never matches a full-object checksum. It is ignored when the upload was created
 * without an algorithm.
 */
function checkChecksumHeader(headers: ObjectCall['headers'], checksum: ObjectChecksum, upload: UploadInfo): void {
  if (!upload.algorithm) return;
  const isTyped = upload.type === 'COMPOSITE' || headers.has('x-amz-checksum-type');
  for (const algorithm of algorithmNames) {
    const given = headers.get(checksumHeaderName(algorithm));
    if (given === undefined) continue;
    const isSame =
      isTyped &&
      algorithm === checksum.algorithm &&
      (given === checksum.value || `${given}-` === checksum.value.slice(0, given.length + 1));
    if (!isSame)
      throw new StoreError('BadDigest', {
        message: `The ${checksum.algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
      });
  }
}

/** @throws StoreError PreconditionFailed when the upload was initiated in another second */
function checkInitiated(given: string | undefined, { initiated }: UploadInfo): void {
  if (given !== undefined && Date.parse(given) !== toWholeSecond(initiated))
    throw preconditionFailed('x-amz-if-match-initiated-time');
}

export async function abortMultipartUpload(call: ObjectCall): Promise<Reply> {
  const { bucket, store } = call;
  const multipartId = call.query.get('uploadId') ?? '';
  return store.buckets.locks.run(`upload ${multipartId}`, async () => {
    checkInitiated(call.headers.get('x-amz-if-match-initiated-time'), requireUpload(call));
    bucket.uploads.delete(multipartId);
    // This file is removed first: without it a partly removed folder is not an upload.
    await unlink(join(uploadFolder(bucket, multipartId), uploadInfoFile));
    await store.buckets.folderUsage.removeWhenUnused(uploadFolder(bucket, multipartId));
    endWatch(bucket, multipartId);
    return noContent;
  });
}
