/** UploadPart and UploadPartCopy. */
import { randomUUID } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { maxPutBytes, prepareBody } from './body.ts';
import { type ObjectCall, quoteEtag, type Reply, xmlReply } from './call.ts';
import { type Algorithm, algorithms, checksumElementName, checksumHeaderName, defaultAlgorithm } from './checksums.ts';
import { isSinglePartEtag, openCopySource } from './copy-source.ts';
import { createDigests } from './digests.ts';
import { invalidArgument, invalidRequest, StoreError } from './errors.ts';
import { type FileRange, linkFiles, minLinkBytes } from './extents.ts';
import { type Draft, isMissing } from './files.ts';
import { noSuchUpload, requireUpload } from './multipart.ts';
import { encryptionHeader } from './object-headers.ts';
import { maxParts } from './part-list.ts';
import { toWholeSecond } from './put.ts';
import type { ObjectRecord } from './record.ts';
import { partPath, uploadFolder } from './upload-folders.ts';
import type { UploadInfo } from './upload-info.ts';
import { xmlDocument } from './xml-write.ts';

/** @throws StoreError InvalidArgument */
function readPartNumber({ query }: ObjectCall): number {
  const text = query.get('partNumber') ?? '';
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= maxParts) return number;
  throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', text);
}

export async function uploadPart(call: ObjectCall): Promise<Reply> {
  const { store } = call;
  const partNumber = readPartNumber(call);
  const upload = requireUpload(call);
  const body = prepareBody(call, upload.algorithm ? { algorithm: upload.algorithm } : {});
  const lacksChecksum = upload.type === 'COMPOSITE' && !body.hasChecksum;
  if (upload.algorithm && (body.algorithm !== upload.algorithm || lacksChecksum))
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual ` +
        `checksum Type: ${lacksChecksum ? null : body.algorithm.toLowerCase()}`,
    );
  // When the upload was created without an algorithm, the store computes the default checksum of every part, even of a
  // part that was sent with another one.
  const storedAlgorithm: Algorithm = upload.algorithm ?? defaultAlgorithm;
  const storedChecksum = storedAlgorithm === body.algorithm ? undefined : algorithms[storedAlgorithm].create();
  const draft = store.buckets.draft();
  try {
    const actual = await body.receive((data) => {
      storedChecksum?.update(data);
      draft.write(data);
    });
    const value = storedChecksum?.digest() ?? actual.checksum;
    const { etag } = await publishPart(call, upload, partNumber, draft, {
      size: actual.size,
      etag: actual.etag,
      checksum: { algorithm: storedAlgorithm, value, type: 'FULL_OBJECT' },
    });
    const checksumHeader =
      upload.algorithm || body.hasChecksum ? { [checksumHeaderName(body.algorithm)]: actual.checksum } : {};
    return { status: 200, headers: { etag: quoteEtag(etag), ...checksumHeader, ...encryptionHeader } };
  } finally {
    await draft.discard();
  }
}

type Content = Required<Pick<ObjectRecord, 'size' | 'etag' | 'checksum'>> & Pick<ObjectRecord, 'extents'>;

async function publishPart(
  { bucket, key, store }: ObjectCall,
  { multipartId }: UploadInfo,
  partNumber: number,
  draft: Draft,
  content: Content,
): Promise<ObjectRecord> {
  const record: ObjectRecord = {
    key,
    id: randomUUID(),
    modified: toWholeSecond(store.now()),
    headers: {},
    metadata: {},
    tags: [],
    storageClass: 'STANDARD',
    ...content,
  };
  await draft.finish(record);
  // This runs under the lock of the upload, so that no part is added after completion.
  await store.buckets.locks.run(`upload ${multipartId}`, async () => {
    if (!bucket.uploads.get(multipartId)) throw noSuchUpload(multipartId);
    const replaced = bucket.uploads.part(multipartId, partNumber);
    try {
      await draft.publish(partPath(bucket, multipartId, partNumber));
    } catch (error) {
      throw isMissing(error) ? noSuchUpload(multipartId) : error;
    }
    bucket.uploads.setPart(multipartId, partNumber, record);
    for (const { file } of replaced?.extents ?? [])
      await unlink(join(uploadFolder(bucket, multipartId), file)).catch(() => {});
  });
  return record;
}

export async function uploadPartCopy(call: ObjectCall): Promise<Reply> {
  const { store } = call;
  const partNumber = readPartNumber(call);
  const upload = requireUpload(call);
  const source = await openCopySource(call);
  const draft = store.buckets.draft();
  try {
    const { object } = source;
    const { start, length } = parseCopyRange(call.headers.get('x-amz-copy-source-range'), object.record.size);
    if (length > maxPutBytes) throw new StoreError('EntityTooLarge');
    call.sendContinue();
    const algorithm = upload.algorithm ?? defaultAlgorithm;
    const extents = length < minLinkBytes ? null : await linkPart(call, upload, object.locateBytes(start, length));
    const known = extents && reuseDigests(object.record, start, length, algorithm);
    let content: Content;
    if (known) content = { size: length, ...known, extents };
    else {
      const digests = createDigests(algorithm, { md5: store.md5Etags });
      for await (const data of object.read(start, length)) {
        digests.update(data);
        if (!extents) draft.write(data);
      }
      const { size, etag, checksum: value } = digests.finish();
      content = { size, etag, checksum: { algorithm, value, type: 'FULL_OBJECT' }, ...(extents ? { extents } : {}) };
    }
    const record = await publishPart(call, upload, partNumber, draft, content);
    return xmlReply(
      xmlDocument('CopyPartResult', {
        LastModified: new Date(record.modified).toISOString(),
        ETag: quoteEtag(record.etag),
        ...(upload.algorithm && record.checksum ? { [checksumElementName(algorithm)]: record.checksum.value } : {}),
      }),
      encryptionHeader,
    );
  } finally {
    await source.object.close();
    await draft.discard();
  }
}

/** Links under the lock of the upload, so that nothing is linked into a folder that is being removed. */
function linkPart({ bucket, store }: ObjectCall, { multipartId }: UploadInfo, pieces: readonly FileRange[]) {
  return store.buckets.locks.run(`upload ${multipartId}`, async () => {
    if (!bucket.uploads.get(multipartId)) throw noSuchUpload(multipartId);
    return linkFiles(uploadFolder(bucket, multipartId), pieces);
  });
}

/** Returns the digests that the source's record has for a whole object, or for exactly one of its parts. */
function reuseDigests(
  { size, etag, checksum, parts = [] }: ObjectRecord,
  start: number,
  length: number,
  algorithm: Algorithm,
): Pick<Content, 'etag' | 'checksum'> | undefined {
  if (checksum?.algorithm !== algorithm) return undefined;
  if (length === size && checksum.type === 'FULL_OBJECT' && isSinglePartEtag(etag)) return { etag, checksum };
  let at = 0;
  for (const part of parts) {
    if (at === start && part.size === length && part.etag !== undefined && part.checksum !== undefined)
      return { etag: part.etag, checksum: { algorithm, value: part.checksum, type: 'FULL_OBJECT' } };
    at += part.size;
  }
  return undefined;
}

/**
 * Stricter than `Range`: both ends are required and must be inside the object.
 * @throws StoreError InvalidArgument, InvalidRequest
 */
function parseCopyRange(value: string | undefined, size: number): { start: number; length: number } {
  if (value === undefined) return { start: 0, length: size };
  const name = 'x-amz-copy-source-range';
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(value);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || end < start)
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the ' +
        'zero-based offsets of the first and last bytes to copy',
      name,
      value,
    );
  if (start >= size) throw invalidRequest('The specified copy range is invalid for the source object size');
  if (end >= size)
    throw invalidArgument(`Range specified is not valid for source object of size: ${size}`, name, value);
  return { start, length: end - start + 1 };
}
