/**
 * Observes the capabilities of a storage by attempts. A capability is true only when the storage refused the wrong
 * request, stored nothing by it, and accepted the right request.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import type { PresignedRequest } from '../../src/protocol/index.ts';
import { isS3Error, type Storage, type StorageCapabilities } from '../../src/s3/index.ts';
import { checksumOf, type StorageAnswer, sendPresigned } from '../support/send.ts';

export interface ProbeTarget {
  /** A storage that claims every capability, so that requests sign everything. */
  storage: Storage;
  bucket: string;
  /** For operations that {@link Storage} does not have, such as tags. */
  sdk: S3Client;
  /** Returns a key that no other probe uses. */
  uniqueKey(): string;
}

/** The capabilities to claim while a storage is probed. */
export const everythingClaimed: Partial<StorageCapabilities> = {
  once: true,
  copyOnce: true,
  copyPrecondition: true,
  deleteIfMatch: true,
  checksums: ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'],
  contentMd5: true,
  postPolicy: true,
  postChecksums: ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'],
  postContentMd5: true,
  multipart: true,
  completeOnce: true,
  partChecksums: ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'],
};

type Probe<Value> = (target: ProbeTarget) => Promise<Value>;
type Algorithm = StorageCapabilities['checksums'][number];

const right = 'the right bytes';
const wrong = 'the wrong bytes';
const algorithms = ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'] as const satisfies readonly Algorithm[];
const facts = { size: right.length, contentType: 'text/plain', expiresInSeconds: 60 };

export const probes: { [Name in keyof StorageCapabilities]: Probe<StorageCapabilities[Name]> } = {
  async once(target) {
    const key = target.uniqueKey();
    const request = target.storage.presignPut({ ...facts, key });
    if (!(await isStored(target, key, request))) return false;
    if ((await sendPresigned(request, wrong)).status !== 412) return false;
    const raced = target.storage.presignPut({ ...facts, key: target.uniqueKey() });
    const answers = await Promise.all(Array.from({ length: 8 }, () => sendPresigned(raced, right)));
    // 409 ConditionalRequestConflict is a refusal as well: one of two requests at once must be retried.
    const refused = answers.filter(({ status }) => status === 412 || status === 409);
    return refused.length === 7 && answers.filter(isSuccess).length === 1;
  },

  async copyOnce({ storage, uniqueKey }) {
    const [from, to, fresh] = [uniqueKey(), uniqueKey(), uniqueKey()];
    await storage.put({ key: from, body: right });
    await storage.put({ key: to, body: wrong });
    const copy = { from, contentType: 'text/plain', once: true };
    const refused = await refusedStatus(storage.copy({ ...copy, to }));
    return refused === 412 && (await refusedStatus(storage.copy({ ...copy, to: fresh }))) === undefined;
  },

  async copyPrecondition({ storage, uniqueKey }) {
    const [from, to] = [uniqueKey(), uniqueKey()];
    const { etag } = await storage.put({ key: from, body: right });
    const copy = { from, to, contentType: 'text/plain' };
    const refused = await refusedStatus(storage.copy({ ...copy, sourceEtag: '"00000000000000000000000000000000"' }));
    if (refused !== 412 || (await storage.head(to)) !== null) return false;
    return (await refusedStatus(storage.copy({ ...copy, sourceEtag: etag }))) === undefined;
  },

  async deleteIfMatch({ storage, uniqueKey }) {
    const key = uniqueKey();
    const { etag } = await storage.put({ key, body: right });
    if (await storage.delete(key, { ifMatch: '"00000000000000000000000000000000"' })) return false;
    return (await storage.head(key)) !== null && (await storage.delete(key, { ifMatch: etag }));
  },

  checksums: (target) => filterNames(algorithms, (algorithm) => verifiesPut(target, algorithm)),
  contentMd5: (target) => verifiesPut(target, 'md5'),

  async postPolicy(target) {
    const key = target.uniqueKey();
    const request = target.storage.presignForm({ ...facts, key });
    const elsewhere = { ...request, fields: { ...request.fields, key: `${key}-elsewhere` } };
    const retyped = { ...request, fields: { ...request.fields, 'Content-Type': 'text/html' } };
    const offPolicy = [
      await sendPresigned(request, `${right}!`),
      await sendPresigned(request, right.slice(1)),
      await sendPresigned(elsewhere, right),
      await sendPresigned(retyped, right),
    ];
    if (!offPolicy.every(isRefused) || (await target.storage.list({ prefix: key })).objects.length > 0) return false;
    return isStored(target, key, request);
  },

  postChecksums: (target) => filterNames(algorithms, (algorithm) => verifiesForm(target, algorithm)),
  postContentMd5: (target) => verifiesForm(target, 'md5'),

  async refusesUnsignedHeaders(target) {
    const key = target.uniqueKey();
    const request = target.storage.presignPut({ ...facts, key, once: false });
    if (!isRefused(await sendPresigned(request, right, { 'x-amz-meta-smuggled': 'yes' }))) return false;
    return (await target.storage.head(key)) === null && isStored(target, key, request);
  },

  /** A risk, not a guarantee: true where the storage applies the header. */
  async unsignedAcls(target) {
    const key = target.uniqueKey();
    const request = target.storage.presignPut({ ...facts, key, once: false });
    const sent = await sendPresigned(request, right, { 'x-amz-acl': 'public-read' });
    if (!isSuccess(sent)) return false;
    const anonymous = await fetch(request.url.split('?')[0] as string);
    await anonymous.body?.cancel();
    return anonymous.ok;
  },

  /** A restriction, not a guarantee: true where parts of different sizes are refused. */
  async equalParts({ sdk, bucket, uniqueKey }) {
    const {
      AbortMultipartUploadCommand,
      CompleteMultipartUploadCommand,
      CreateMultipartUploadCommand,
      UploadPartCommand,
    } = await import('@aws-sdk/client-s3');
    const where = { Bucket: bucket, Key: uniqueKey() };
    const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(where));
    const upload = { ...where, UploadId };
    try {
      const Parts = [];
      for (const [index, size] of [6 * 1024 ** 2, 5 * 1024 ** 2, 1].entries()) {
        const PartNumber = index + 1;
        const { ETag } = await sdk.send(new UploadPartCommand({ ...upload, PartNumber, Body: new Uint8Array(size) }));
        Parts.push({ PartNumber, ETag });
      }
      await sdk.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
      return false;
    } catch (error) {
      await sdk.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      if (statusOf(error) === 400) return true;
      throw error;
    }
  },

  async multipart({ storage, uniqueKey }) {
    const key = uniqueKey();
    const parts = await sendParts(storage, key, [right]);
    if (!parts || (await storage.head(key)) !== null) return false;
    await storage.completeMultipart({ ...parts, size: right.length, once: false });
    return (await storage.head(key))?.size === right.length;
  },

  async completeOnce({ storage, uniqueKey }) {
    const [existing, fresh] = [uniqueKey(), uniqueKey()];
    await storage.put({ key: existing, body: right });
    for (const key of [existing, fresh]) {
      const parts = await sendParts(storage, key, [wrong]);
      if (!parts) return false;
      const refused = await refusedStatus(storage.completeMultipart({ ...parts, size: wrong.length }));
      if (refused !== (key === existing ? 412 : undefined)) return false;
    }
    return (await storage.head(existing))?.size === right.length;
  },

  partChecksums: (target) => filterNames(algorithms, (algorithm) => verifiesPart(target, algorithm)),

  async writeIds({ storage, uniqueKey }) {
    const key = uniqueKey();
    const ids: (string | undefined)[] = [];
    for (let write = 0; write < 2; write += 1) {
      await storage.put({ key, body: right });
      ids.push((await storage.head(key))?.writeId);
    }
    return ids[0] !== undefined && ids[1] !== undefined && ids[0] !== ids[1];
  },

  async tagging({ sdk, bucket, uniqueKey }) {
    const { GetObjectTaggingCommand, PutObjectCommand } = await import('@aws-sdk/client-s3');
    const where = { Bucket: bucket, Key: uniqueKey() };
    try {
      await sdk.send(new PutObjectCommand({ ...where, Body: right, Tagging: 'state=scanned' }));
      const { TagSet } = await sdk.send(new GetObjectTaggingCommand(where));
      return TagSet?.length === 1 && TagSet[0]?.Key === 'state' && TagSet[0].Value === 'scanned';
    } catch (error) {
      if (statusOf(error) !== undefined) return false;
      throw error;
    }
  },
};

async function verifiesPut(target: ProbeTarget, algorithm: Algorithm | 'md5'): Promise<boolean> {
  const key = target.uniqueKey();
  const checksum = checksumOf(algorithm, right);
  const request = target.storage.presignPut({ ...facts, key, checksum });
  if (!(await refusesWrongBytes(target, key, request)) || !(await isStored(target, key, request))) return false;
  return algorithm === 'md5' || (await target.storage.head(key))?.checksums[algorithm] === checksum.value;
}

/** Sends the parts. Returns null when one is refused. */
async function sendParts(storage: Storage, key: string, bodies: string[]) {
  const { multipartId } = await storage.createMultipart({ key, contentType: 'text/plain' });
  for (const [index, body] of bodies.entries()) {
    const part = { key, multipartId, partNumber: index + 1, size: body.length, expiresInSeconds: 60 };
    if (!isSuccess(await sendPresigned(storage.presignPart(part), body))) return null;
  }
  return { key, multipartId, parts: (await storage.listParts(key, multipartId)) ?? [] };
}

/** Whether the storage refuses wrong bytes, accepts the right ones, and returns their checksum. */
async function verifiesPart({ storage, uniqueKey }: ProbeTarget, algorithm: Algorithm): Promise<boolean> {
  const key = uniqueKey();
  const checksum = checksumOf(algorithm, right);
  const { multipartId } = await storage.createMultipart({
    key,
    contentType: 'text/plain',
    checksumAlgorithm: algorithm,
  });
  const part = { key, multipartId, partNumber: 1, size: right.length, checksum, expiresInSeconds: 60 };
  try {
    if (!isRefused(await sendPresigned(storage.presignPart(part), wrong))) return false;
    if (!isSuccess(await sendPresigned(storage.presignPart(part), right))) return false;
    const parts = await storage.listParts(key, multipartId);
    return parts?.length === 1 && parts[0]?.checksums[algorithm] === checksum.value;
  } finally {
    await storage.abortMultipart(key, multipartId);
  }
}

async function verifiesForm(target: ProbeTarget, algorithm: Algorithm | 'md5'): Promise<boolean> {
  const key = target.uniqueKey();
  const request = target.storage.presignForm({ ...facts, key, checksum: checksumOf(algorithm, right) });
  return (await refusesWrongBytes(target, key, request)) && isStored(target, key, request);
}

/** The wrong bytes have the same length, so that only the checksum differs. */
async function refusesWrongBytes(target: ProbeTarget, key: string, request: PresignedRequest): Promise<boolean> {
  return isRefused(await sendPresigned(request, wrong)) && (await target.storage.head(key)) === null;
}

/** Whether the right bytes are stored. Otherwise a storage that refuses every request would pass. */
async function isStored({ storage }: ProbeTarget, key: string, request: PresignedRequest): Promise<boolean> {
  return isSuccess(await sendPresigned(request, right)) && (await storage.head(key))?.size === right.length;
}

async function filterNames<Name>(names: readonly Name[], holds: (name: Name) => Promise<boolean>): Promise<Name[]> {
  const found: Name[] = [];
  for (const name of names) if (await holds(name)) found.push(name);
  return found;
}

function isSuccess({ status }: StorageAnswer): boolean {
  return status >= 200 && status < 300;
}

/** A 4xx is a refusal. A 5xx is a failure. */
function isRefused({ status }: StorageAnswer): boolean {
  return status >= 400 && status < 500;
}

/** Returns the status of a refusal, or undefined when the request succeeded. */
async function refusedStatus(work: Promise<unknown>): Promise<number | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isS3Error(error)) return error.status;
    throw error;
  }
}

/** Returns the HTTP status of an error of the AWS SDK. */
function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}
