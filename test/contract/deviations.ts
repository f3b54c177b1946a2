/**
 * Where Ceph RGW 16.2 is not AWS, and what Waybill does about it. One row for each fact; each is observed on every run, so
 * that a row which stops being true fails, on Ceph (mended there) as on the devstore (broken here).
 */
import { isS3Error, type StorageCapabilities } from '../../src/s3/index.ts';
import { sendPresigned } from '../support/send.ts';
import type { TestStore } from '../support/stores.ts';
import { everythingClaimed, type ProbeTarget, probes } from './probe.ts';

export interface Deviation {
  what: string;
  /** Which capability says so; undefined where none does, because nothing that Waybill promises depends on it. */
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
    what: 'ignores x-amz-checksum-* headers',
    capability: 'checksums',
    instead: 'signs Content-MD5, which Ceph verifies, and tells clients so in the route information',
    observe: async (_, target) => !(await probes.checksums(target)).includes('sha256'),
  },
  {
    what: 'ignores x-amz-checksum-* fields of a form',
    capability: 'postChecksums',
    instead: 'sends by PUT, where the bytes can be bound',
    observe: async (_, target) => !(await probes.postChecksums(target)).includes('sha256'),
  },
  {
    what: 'ignores the Content-MD5 field of a form',
    capability: 'postContentMd5',
    instead: 'sends by PUT, where the bytes can be bound',
    observe: async (_, target) => !(await probes.postContentMd5(target)),
  },
  {
    what: 'ignores If-None-Match on CopyObject',
    capability: 'copyOnce',
    instead:
      'claims a promotion by a marker object that is created with If-None-Match on PutObject, which Ceph honours',
    observe: async (_, target) => !(await probes.copyOnce(target)),
  },
  {
    what: 'ignores x-amz-copy-source-if-match',
    capability: 'copyPrecondition',
    instead: 'compares the copy with what was verified before announcing it',
    observe: async (_, target) => !(await probes.copyPrecondition(target)),
  },
  {
    what: 'makes an object public by an x-amz-acl header that was not signed',
    instead: 'signs `x-amz-acl: private`, in forms as the field `acl`',
    observe: (_, target) => probes.unsignedAcls(target),
  },
  {
    what: 'ignores If-Match on DeleteObject',
    capability: 'deleteIfMatch',
    instead: 'looks at the object directly before it is deleted',
    observe: async (_, target) => !(await probes.deleteIfMatch(target)),
  },
  {
    what: 'applies an x-amz-meta-* header that was not signed',
    capability: 'refusesUnsignedHeaders',
    instead: 'trusts nothing that an object says of itself unless it is sealed; promotion replaces all metadata',
    observe: async (_, target) => !(await probes.refusesUnsignedHeaders(target)),
  },
  {
    what: 'compares If-Match on PutObject with the quotes still on, and so never matches',
    instead: 'sends the ETag without its quotes there, which AWS takes as well',
    async observe(_, { sdk, storage, bucket, uniqueKey }) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      const key = uniqueKey();
      const { etag } = await storage.put({ key, body: 'first' });
      const IfMatch = `"${etag.replaceAll('"', '')}"`;
      return !(await accepted(
        sdk.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'second', IfMatch })),
        412,
      ));
    },
  },
  {
    what: 'answers CopyObject with an ETag without quotes',
    instead: 'compares ETags without them',
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
    what: 'takes a presigned request that is dated an hour ahead',
    instead: 'signs by its own clock, corrected by the Date of the storage',
    async observe(store) {
      const ahead = store.storage({ now: () => Date.now() + 3_600_000 });
      const { status } = await sendPresigned(ahead.presignPut({ ...facts, key: 'deviations/ahead' }), 'hi');
      return status < 400;
    },
  },
  {
    what: 'sends no CORS headers with a 403',
    instead: 'the client cannot read that answer, and asks the server for completion before it calls it a failure',
    async observe(_, { storage, uniqueKey }) {
      const request = storage.presignPut({ ...facts, key: uniqueKey() });
      const forged = { ...request, url: request.url.replace(/.$/, (last) => (last === '0' ? '1' : '0')) };
      const { status, headers } = await sendPresigned(forged, 'hi', { origin: 'http://page.example' });
      if (status !== 403) throw new Error(`a forged signature was answered ${status}`);
      return headers.get('access-control-allow-origin') === null;
    },
  },
  {
    what: 'calls a wrong signature of a form AccessDenied',
    instead: 'no code of a storage is passed on to clients as it is',
    async observe(_, { storage, uniqueKey }) {
      const request = storage.presignForm({ ...facts, key: uniqueKey() });
      const fields = { ...request.fields, 'x-amz-signature': '0'.repeat(64) };
      const { status, code } = await sendPresigned({ ...request, fields }, 'hi');
      if (status !== 403) throw new Error(`a forged form was answered ${status}`);
      return code === 'AccessDenied';
    },
  },
  {
    what: 'ignores If-None-Match on CompleteMultipartUpload',
    capability: 'completeOnce',
    instead:
      'claims the completion by a marker object that is created with If-None-Match on PutObject; the staging key is the upload’s own',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const key = target.uniqueKey();
      const upload = await multipart(target, key, [2]);
      await target.storage.put({ key, body: 'came first' });
      return accepted(target.sdk.send(new CompleteMultipartUploadCommand({ ...upload, IfNoneMatch: '*' })), 412);
    },
  },
  {
    what: 'answers the first CompleteMultipartUpload with an empty ETag',
    instead: 'asks for the ETag by HEAD',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [2]);
      const { ETag } = await target.sdk.send(new CompleteMultipartUploadCommand(upload));
      return !/[0-9a-f]{32}/.test(ETag ?? '');
    },
  },
  {
    what: 'completes a multipart from a list that is out of order',
    instead: 'lists the parts itself, in their order, as the storage has them',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [partBytes, partBytes]);
      upload.MultipartUpload.Parts.reverse();
      return accepted(target.sdk.send(new CompleteMultipartUploadCommand(upload)), 400);
    },
  },
  {
    what: 'takes part number 10,001',
    instead: 'signs no part beyond the plan, which ends at 10,000',
    async observe(_, { sdk, bucket, uniqueKey }) {
      const { CreateMultipartUploadCommand, UploadPartCommand } = await import('@aws-sdk/client-s3');
      const where = { Bucket: bucket, Key: uniqueKey() };
      const { UploadId } = await sdk.send(new CreateMultipartUploadCommand(where));
      return accepted(sdk.send(new UploadPartCommand({ ...where, UploadId, PartNumber: 10_001, Body: 'hi' })), 400);
    },
  },
  {
    what: 'ignores x-amz-checksum-* headers of parts',
    capability: 'partChecksums',
    instead: 'signs Content-MD5 of each part, which Ceph verifies',
    observe: async (_, target) => !(await probes.partChecksums(target)).includes('sha256'),
  },
  {
    what: 'ignores x-amz-mp-object-size',
    instead: 'adds up the sizes that the storage lists, and holds each part against the plan, before it completes',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [2]);
      return accepted(target.sdk.send(new CompleteMultipartUploadCommand({ ...upload, MpuObjectSize: 3 })), 400);
    },
  },
  {
    what: 'refuses a completion that leaves out a part that was sent',
    instead: 'lists every part that arrived, or none of them: a part off the plan is refused before',
    async observe(_, target) {
      const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
      const upload = await multipart(target, target.uniqueKey(), [2, 2]);
      upload.MultipartUpload.Parts.pop();
      return !(await accepted(target.sdk.send(new CompleteMultipartUploadCommand(upload)), 400));
    },
  },
  {
    what: 'answers the completion of an upload that was aborted with InternalError',
    instead: 'lists the parts before it completes, and goes by that list when an upload is gone',
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
    what: 'decodes the source of UploadPartCopy twice, and does not find a key with a percent sign (or dies of it)',
    instead: 'copies from its own staging keys, which have none',
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
    what: 'gives a copy of what was sent in parts the ETag of its source, with the number of parts',
    instead:
      'compares that ETag, as no precondition guards the copy; elsewhere the precondition does, and a copy has its own',
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
    what: 'encodes the keys of ListMultipartUploads where that is asked for, and does not say so',
    instead: 'does not ask for it',
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
    what: 'answers 411 to an aws-chunked body',
    instead: 'sends bodies whole, with their length',
    async observe({ bucket }, { sdk, uniqueKey }) {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      const { Readable } = await import('node:stream');
      const Body = Readable.from([Buffer.from('streamed')]);
      const put = sdk.send(new PutObjectCommand({ Bucket: bucket, Key: uniqueKey(), Body, ContentLength: 8 }));
      return !(await accepted(put, 411));
    },
  },
  {
    what: 'does not know GetObjectAttributes',
    instead: 'asks by HEAD',
    async observe({ bucket }, { sdk, storage, uniqueKey }) {
      const { GetObjectAttributesCommand } = await import('@aws-sdk/client-s3');
      const key = uniqueKey();
      await storage.put({ key, body: 'hi' });
      const asked = sdk.send(
        new GetObjectAttributesCommand({ Bucket: bucket, Key: key, ObjectAttributes: ['ObjectSize'] }),
      );
      return (
        (await asked.then(
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

/** Created, its parts of these sizes sent, ready to complete. */
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

/** False when it was refused with this status; any other failure is none of an answer. */
async function accepted(work: Promise<unknown>, refusedWith: number): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode === refusedWith) return false;
    throw error;
  }
}
