/**
 * The deviations of Ceph RGW 16.2 from AWS, and what Waybill does about each. Every run observes each row, so that a
 * row fails when Ceph no longer deviates, or when the devstore begins to.
 */
import { isS3Error, type StorageCapabilities } from '../../src/s3/index.ts';
import { sendPresigned } from '../support/send.ts';
import type { TestStore } from '../support/stores.ts';
import { everythingClaimed, type ProbeTarget, probes } from './probe.ts';

export interface Deviation {
  description: string;
  /** The capability that states it. Undefined where Waybill does not depend on the deviation. */
  capability?: keyof StorageCapabilities;
  /** What Waybill does instead. */
  instead: string;
  /** True while the store deviates from AWS. */
  observe(store: TestStore, target: ProbeTarget): Promise<boolean>;
}

const partBytes = 5 * 1024 ** 2;
const facts = { size: 2, contentType: 'text/plain', expiresInSeconds: 60 };

export const ceph16Deviations: readonly Deviation[] = [
  {
    description: 'ignores x-amz-checksum-* headers',
    capability: 'checksums',
    instead: 'signs Content-MD5, which Ceph verifies, and tells clients so in the route information',
    observe: async (_, target) => !(await probes.checksums(target)).includes('sha256'),
  },
  {
    description: 'ignores x-amz-checksum-* fields of a form',
    capability: 'postChecksums',
    instead: 'sends by PUT, where the bytes can be bound',
    observe: async (_, target) => !(await probes.postChecksums(target)).includes('sha256'),
  },
  {
    description: 'ignores the Content-MD5 field of a form',
    capability: 'postContentMd5',
    instead: 'sends by PUT, where the bytes can be bound',
    observe: async (_, target) => !(await probes.postContentMd5(target)),
  },
  {
    description: 'ignores If-None-Match on CopyObject',
    capability: 'copyOnce',
    instead: 'takes the lease by a marker object that is created with If-None-Match on PutObject, which Ceph supports',
    observe: async (_, target) => !(await probes.copyOnce(target)),
  },
  {
    description: 'ignores x-amz-copy-source-if-match',
    capability: 'copyPrecondition',
    instead: 'compares the copy with what was verified before announcing it',
    observe: async (_, target) => !(await probes.copyPrecondition(target)),
  },
  {
    description: 'makes an object public by an x-amz-acl header that was not signed',
    instead: 'signs `x-amz-acl: private`, in forms as the field `acl`',
    observe: (_, target) => probes.unsignedAcls(target),
  },
  {
    description: 'ignores If-Match on DeleteObject',
    capability: 'deleteIfMatch',
    instead: 'looks at the object directly before it is deleted',
    observe: async (_, target) => !(await probes.deleteIfMatch(target)),
  },
  {
    description: 'applies an x-amz-meta-* header that was not signed',
    capability: 'refusesUnsignedHeaders',
    instead: 'uses only sealed metadata of an object, and promotion replaces all metadata',
    observe: async (_, target) => !(await probes.refusesUnsignedHeaders(target)),
  },
  {
    description: 'compares If-Match on PutObject with the quotes, and so never matches',
    instead: 'sends the ETag without quotes there, which AWS accepts as well',
    async observe(_, { sdk, storage, bucket, uniqueKey }) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      const key = uniqueKey();
      const { etag } = await storage.put({ key, body: 'first' });
      const IfMatch = `"${etag.replaceAll('"', '')}"`;
      return !(await isAccepted(
        sdk.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'second', IfMatch })),
        412,
      ));
    },
  },
  {
    description: 'answers CopyObject with an ETag without quotes',
    instead: 'compares ETags without quotes',
    async observe(_, { sdk, storage, bucket, uniqueKey }) {
      const { CopyObjectCommand } = await import('@aws-sdk/client-s3');
      const [from, to] = [uniqueKey(), uniqueKey()];
      await storage.put({ key: from, body: 'hi' });
      const copied = await sdk.send(
        new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: `/${bucket}/${from}` }),
      );
      return !copied.CopyObjectResult?.ETag?.startsWith('"');
    },
  },
  {
    description: 'accepts a presigned request that is dated an hour ahead',
    instead: 'signs by its own clock, corrected by the Date of the storage',
    async observe(store) {
      const ahead = store.storage({ now: () => Date.now() + 3_600_000 });
      const { status } = await sendPresigned(ahead.presignPut({ ...facts, key: 'deviations/ahead' }), 'hi');
      return status < 400;
    },
  },
  {
    description: 'sends no CORS headers with a 403',
    instead: 'the client cannot read that answer, and calls complete before it reports a failure',
    async observe(_, { storage, uniqueKey }) {
      const request = storage.presignPut({ ...facts, key: uniqueKey() });
      const forged = { ...request, url: request.url.replace(/.$/, (last) => (last === '0' ? '1' : '0')) };
      const { status, headers } = await sendPresigned(forged, 'hi', { origin: 'http://page.example' });
      if (status !== 403) throw new Error(`a forged signature was answered ${status}`);
      return headers.get('access-control-allow-origin') === null;
    },
  },
  {
    description: 'answers AccessDenied to a wrong signature of a form',
    instead: 'does not pass codes of the storage on to clients unchanged',
    async observe(_, { storage, uniqueKey }) {
      const request = storage.presignForm({ ...facts, key: uniqueKey() });
      const fields = { ...request.fields, 'x-amz-signature': '0'.repeat(64) };
      const { status, code } = await sendPresigned({ ...request, fields }, 'hi');
      if (status !== 403) throw new Error(`a forged form was answered ${status}`);
      return code === 'AccessDenied';
    },
  },
  {
    description: 'ignores If-None-Match on CompleteMultipartUpload',
    capability: 'completeOnce',
    instead:
      'takes the lease by a marker object that is created with If-None-Match; only this upload uses its staging key',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const key = target.uniqueKey();
      const upload = await multipart(target, key, [2]);
      await target.storage.put({ key, body: 'came first' });
      return isAccepted(target.sdk.send(new CompleteMultipartUploadCommand({ ...upload, IfNoneMatch: '*' })), 412);
    },
  },
  {
    description: 'answers the first CompleteMultipartUpload with an empty ETag',
    instead: 'reads the ETag by HEAD',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [2]);
      const { ETag } = await target.sdk.send(new CompleteMultipartUploadCommand(upload));
      return !/[0-9a-f]{32}/.test(ETag ?? '');
    },
  },
  {
    description: 'completes a multipart from a list that is out of order',
    instead: 'lists the parts of the storage in their order',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [partBytes, partBytes]);
      upload.MultipartUpload.Parts.reverse();
      return isAccepted(target.sdk.send(new CompleteMultipartUploadCommand(upload)), 400);
    },
  },
  {
    description: 'accepts part number 10,001',
    instead: 'signs only parts of the plan, which ends at 10,000',
    async observe(_, { sdk, bucket, uniqueKey }) {
      const { CreateMultipartUploadCommand, UploadPartCommand } = await import('@aws-sdk/client-s3');
      const where = { Bucket: bucket, Key: uniqueKey() };
      const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(where));
      return isAccepted(sdk.send(new UploadPartCommand({ ...where, UploadId, PartNumber: 10_001, Body: 'hi' })), 400);
    },
  },
  {
    description: 'ignores x-amz-checksum-* headers of parts',
    capability: 'partChecksums',
    instead: 'signs the Content-MD5 of each part, which Ceph verifies',
    observe: async (_, target) => !(await probes.partChecksums(target)).includes('sha256'),
  },
  {
    description: 'ignores x-amz-mp-object-size',
    instead: 'compares the listed sizes and each part with the plan before it completes',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [2]);
      return isAccepted(target.sdk.send(new CompleteMultipartUploadCommand({ ...upload, MpuObjectSize: 3 })), 400);
    },
  },
  {
    description: 'refuses a completion that leaves out a part that was sent',
    instead: 'completes all parts that arrived, or none: a part outside of the plan is refused before',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [2, 2]);
      upload.MultipartUpload.Parts.pop();
      return !(await isAccepted(target.sdk.send(new CompleteMultipartUploadCommand(upload)), 400));
    },
  },
  {
    description: 'answers the completion of an upload that was aborted with InternalError',
    instead: 'lists the parts before it completes, and uses that list to detect an aborted upload',
    async observe(_, target) {
      const { storage } = target;
      const { Key: key, UploadId: multipartId = '' } = await multipart(target, target.uniqueKey(), [2]);
      const parts = (await storage.listParts(key, multipartId)) ?? [];
      await storage.abortMultipart(key, multipartId);
      if ((await storage.listParts(key, multipartId)) !== null) throw new Error('an aborted upload was listed');
      const failure = await storage
        .completeMultipart({ key, multipartId, parts, size: 2, once: false })
        .catch((error: unknown) => error);
      return isS3Error(failure) && failure.status === 500;
    },
  },
  {
    description: 'decodes the source of UploadPartCopy twice, and does not find a key with a percent sign (or crashes)',
    instead: 'copies from its own staging keys, which have no percent sign',
    async observe(_, { storage, uniqueKey }) {
      const [from, to] = [`${uniqueKey()}-100%25`, uniqueKey()];
      await storage.put({ key: from, body: 'hi' });
      const { multipartId } = await storage.createMultipart({ key: to, contentType: 'text/plain' });
      const copied = await storage
        .copyPart({ from, to, multipartId, partNumber: 1, range: [0, 1] })
        .catch((error: unknown) => error);
      return isS3Error(copied) && copied.status === 404;
    },
  },
  {
    description: 'gives a copy of a multipart object the ETag of its source, with the number of parts',
    instead:
      'compares that ETag, because no precondition guards the copy; on other storages the precondition guards it',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const [from, to] = [target.uniqueKey(), target.uniqueKey()];
      await target.sdk.send(new CompleteMultipartUploadCommand(await multipart(target, from, [2])));
      const { etag } = await target.storage.copy({ from, to, contentType: 'text/plain' });
      const source = await target.storage.head(from);
      if (!source?.etag.endsWith('-1"')) throw new Error(`a multipart object has the ETag ${source?.etag}`);
      return etag === source.etag;
    },
  },
  {
    description: 'encodes the keys of ListMultipartUploads on request, without EncodingType in the answer',
    instead: 'does not request the encoding',
    async observe(_, { sdk, bucket, storage, uniqueKey }) {
      const { ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
      const key = `${uniqueKey()} a+b`;
      const { multipartId } = await storage.createMultipart({ key, contentType: 'text/plain' });
      const listed = await sdk.send(
        new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key, EncodingType: 'url' }),
      );
      await storage.abortMultipart(key, multipartId);
      const [upload] = listed.Uploads ?? [];
      return upload?.Key !== key && listed.EncodingType === undefined;
    },
  },
  {
    description: 'answers 411 to an aws-chunked body',
    instead: 'sends bodies with their length',
    async observe({ bucket }, { sdk, uniqueKey }) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      const { Readable } = await import('node:stream');
      const Body = Readable.from([Buffer.from('streamed')]);
      const put = sdk.send(new PutObjectCommand({ Bucket: bucket, Key: uniqueKey(), Body, ContentLength: 8 }));
      return !(await isAccepted(put, 411));
    },
  },
  {
    description: 'does not know GetObjectAttributes',
    instead: 'uses HEAD',
    async observe({ bucket }, { sdk, storage, uniqueKey }) {
      const { GetObjectAttributesCommand } = await import('@aws-sdk/client-s3');
      const key = uniqueKey();
      await storage.put({ key, body: 'hi' });
      const attributes = sdk.send(
        new GetObjectAttributesCommand({ Bucket: bucket, Key: key, ObjectAttributes: ['ObjectSize'] }),
      );
      return (
        (await attributes.then(
          ({ ObjectSize }) => ObjectSize,
          () => undefined,
        )) !== 2
      );
    },
  },
];

export function targetOf(store: TestStore, sdk: ProbeTarget['sdk'], uniqueKey: () => string): ProbeTarget {
  return { storage: store.storage({ capabilities: everythingClaimed }), bucket: store.bucket, sdk, uniqueKey };
}

/** Creates a multipart upload and sends parts of these sizes. */
async function multipart({ sdk, bucket }: ProbeTarget, key: string, sizes: readonly number[]) {
  const { CreateMultipartUploadCommand, UploadPartCommand } = await import('@aws-sdk/client-s3');
  const where = { Bucket: bucket, Key: key };
  const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(where));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, size] of sizes.entries()) {
    const PartNumber = index + 1;
    const Body = new Uint8Array(size);
    const { ETag } = await sdk.send(new UploadPartCommand({ ...where, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  return { ...where, UploadId, MultipartUpload: { Parts } };
}

/** Returns whether the request succeeded; false for the given status. Any other failure is thrown. */
async function isAccepted(work: Promise<unknown>, refusedWith: number): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode === refusedWith) return false;
    throw error;
  }
}
