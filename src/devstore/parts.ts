/** UploadPart and UploadPartCopy. */
import { randomUUID } from 'node:crypto';
import { expectBody, maxPutBytes } from './body.ts';
import { type ObjectCall, quoted, type Reply, xmlReply } from './call.ts';
import { type Algorithm, algorithms, defaultAlgorithm, elementOf, headerOf } from './checksums.ts';
import { openCopySource } from './copy-source.ts';
import { createDigests } from './digests.ts';
import { invalidArgument, invalidRequest, StoreError } from './errors.ts';
import { type Draft, isMissing } from './files.ts';
import { noSuchUpload, requireUpload } from './multipart.ts';
import { mostParts } from './part-list.ts';
import { wholeSecond } from './put.ts';
import type { ObjectRecord } from './record.ts';
import { partPath, readUpload, type UploadInfo } from './upload-folders.ts';
import { xmlDocument } from './xml-write.ts';

/** @throws StoreError InvalidArgument */
function readPartNumber({ query }: ObjectCall): number {
  const text = query.get('partNumber') ?? '';
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= mostParts) return number;
  throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', text);
}

export async function uploadPart(call: ObjectCall): Promise<Reply> {
  const { store } = call;
  const partNumber = readPartNumber(call);
  const upload = await requireUpload(call);
  const body = expectBody(call, upload.algorithm ? { algorithm: upload.algorithm } : {});
  if (upload.algorithm && body.algorithm !== upload.algorithm)
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${body.algorithm.toLowerCase()}`,
    );
  // An upload that named no algorithm gets the default one for the whole, whatever its parts bring.
  const kept: Algorithm = upload.algorithm ?? defaultAlgorithm;
  const second = kept === body.algorithm ? undefined : algorithms[kept].create();
  const draft = store.buckets.draft();
  try {
    const actual = await body.receive((data) => {
      second?.update(data);
      draft.write(data);
    });
    const value = second?.digest() ?? actual.checksum;
    const { etag } = await publishPart(call, upload, partNumber, draft, {
      ...actual,
      checksum: value,
      algorithm: kept,
    });
    const told = upload.algorithm || body.broughtChecksum ? { [headerOf(body.algorithm)]: actual.checksum } : {};
    return { status: 200, headers: { etag: quoted(etag), ...told } };
  } finally {
    await draft.discard();
  }
}

async function publishPart(
  { bucket, key, store }: ObjectCall,
  { multipartId }: UploadInfo,
  partNumber: number,
  draft: Draft,
  content: { size: number; md5: string; checksum: string; algorithm: Algorithm },
): Promise<ObjectRecord> {
  const record: ObjectRecord = {
    key,
    id: randomUUID(),
    size: content.size,
    etag: content.md5,
    modified: wholeSecond(store.now()),
    headers: {},
    metadata: {},
    tags: [],
    storageClass: 'STANDARD',
    checksum: { algorithm: content.algorithm, value: content.checksum, type: 'FULL_OBJECT' },
  };
  await draft.seal(record);
  // Under the upload's lock: a part must not slip into an object that has just been completed.
  await store.buckets.locks.run(`upload ${multipartId}`, async () => {
    if (!(await readUpload(bucket, multipartId))) throw noSuchUpload(multipartId);
    try {
      await draft.publish(partPath(bucket, multipartId, partNumber));
    } catch (error) {
      throw isMissing(error) ? noSuchUpload(multipartId) : error;
    }
  });
  return record;
}

export async function uploadPartCopy(call: ObjectCall): Promise<Reply> {
  const { store } = call;
  const partNumber = readPartNumber(call);
  const upload = await requireUpload(call);
  const source = await openCopySource(call);
  let draft: Draft | undefined;
  try {
    const { start, length } = copyRange(call.headers.get('x-amz-copy-source-range'), source.object.record.size);
    if (length > maxPutBytes) throw new StoreError('EntityTooLarge');
    call.proceed();
    const algorithm = upload.algorithm ?? defaultAlgorithm;
    const digests = createDigests(algorithm);
    draft = store.buckets.draft();
    for await (const data of source.object.read(start, length)) {
      digests.update(data);
      draft.write(data);
    }
    const record = await publishPart(call, upload, partNumber, draft, { ...digests.finish(), algorithm });
    return xmlReply(
      xmlDocument('CopyPartResult', {
        LastModified: new Date(record.modified).toISOString(),
        ETag: quoted(record.etag),
        ...(upload.algorithm && record.checksum ? { [elementOf(algorithm)]: record.checksum.value } : {}),
      }),
    );
  } finally {
    await source.object.close();
    await draft?.discard();
  }
}

/** Stricter than `Range`: both ends, and both inside. @throws StoreError InvalidArgument, InvalidRequest */
function copyRange(value: string | undefined, size: number): { start: number; length: number } {
  if (value === undefined) return { start: 0, length: size };
  const name = 'x-amz-copy-source-range';
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(value);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || end < start)
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      name,
      value,
    );
  if (start >= size) throw invalidRequest('The specified copy range is invalid for the source object size');
  if (end >= size)
    throw invalidArgument(`Range specified is not valid for source object of size: ${size}`, name, value);
  return { start, length: end - start + 1 };
}
