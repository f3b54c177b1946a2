/** The AWS SDK in its default configuration (CRC32 in trailers and headers, aws-chunked) against the devstore. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketCorsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, startStore, type TestStore } from './devstore-signer.ts';

const Bucket = 'photos';
let store: TestStore;
let client: S3Client;
beforeAll(async () => {
  store = await startStore();
  client = new S3Client({ endpoint: store.url, region: 'us-east-1', forcePathStyle: true, credentials });
});
afterAll(async () => {
  client.destroy();
  await store.end();
});

async function bytesOf(Key: string, more: { PartNumber?: number; Range?: string } = {}): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

describe('the AWS SDK', () => {
  it('puts and gets bytes, with the CRC32 that it adds by default', async () => {
    const put = await client.send(
      new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello', ContentType: 'text/plain', Metadata: { x: 'y' } }),
    );
    expect(put.ChecksumCRC32).toBe('NhCmhg==');
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' }));
    expect(head).toMatchObject({
      ContentType: 'text/plain',
      ContentLength: 5,
      Metadata: { x: 'y' },
      ChecksumCRC32: 'NhCmhg==',
    });
    expect((await bytesOf('a')).toString()).toBe('hello');
  });

  it.each(Object.values(ChecksumAlgorithm).filter((name) => /^(CRC|SHA1|SHA256)/.test(name)))(
    'streams a body with %s in the trailer',
    async (ChecksumAlgorithm) => {
      const body = randomBytes(300_000);
      await client.send(
        new PutObjectCommand({
          Bucket,
          Key: 'stream',
          Body: Readable.from([body.subarray(0, 8192), body.subarray(8192)]),
          ContentLength: body.length,
          ChecksumAlgorithm,
        }),
      );
      expect((await bytesOf('stream')).equals(body)).toBe(true);
    },
  );

  it('uploads a stream of unknown length in parts', async () => {
    const body = randomBytes(11 * 1024 * 1024 + 3);
    const source = Readable.from(
      (function* () {
        for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000);
      })(),
    );
    const done = await new Upload({ client, params: { Bucket, Key: 'parts', Body: source } }).done();
    expect(done.ETag).toMatch(/-3"$/);
    expect((await bytesOf('parts')).equals(body)).toBe(true);
    expect((await bytesOf('parts', { Range: 'bytes=5242870-5242889' })).equals(body.subarray(5242870, 5242890))).toBe(
      true,
    );
    expect((await bytesOf('parts', { PartNumber: 3 })).equals(body.subarray(10 * 1024 * 1024))).toBe(true);
    const { ObjectParts } = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'parts', ObjectAttributes: ['ObjectParts'] }),
    );
    expect(ObjectParts?.TotalPartsCount).toBe(3);
    // The copy is a single object with the checksum of the whole.
    const copied = await client.send(new CopyObjectCommand({ Bucket, Key: 'whole', CopySource: `${Bucket}/parts` }));
    expect(copied.CopyObjectResult).toMatchObject({ ChecksumType: 'FULL_OBJECT' });
    expect((await bytesOf('whole')).equals(body)).toBe(true);
  });

  it.each([
    ['SHA256', 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
  ] as const)('completes parts with %s, %s', async (ChecksumAlgorithm, ChecksumType) => {
    const Key = 'mp';
    const body = randomBytes(5 * 1024 * 1024 + 17);
    await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: body, ChecksumAlgorithm }));
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm, ChecksumType }),
    );
    const field = `Checksum${ChecksumAlgorithm}` as const;
    const first = await client.send(
      new UploadPartCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: 1,
        ChecksumAlgorithm,
        Body: body.subarray(0, 5242880),
      }),
    );
    const second = await client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: 2,
        CopySource: `${Bucket}/source`,
        CopySourceRange: `bytes=5242880-${body.length - 1}`,
      }),
    );
    const Parts = [
      { PartNumber: 1, ETag: first.ETag, [field]: first[field] },
      { PartNumber: 2, ETag: second.CopyPartResult?.ETag, [field]: second.CopyPartResult?.[field] },
    ];
    const complete = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
    const done = await client.send(complete);
    const whole = await client.send(new HeadObjectCommand({ Bucket, Key: 'source', ChecksumMode: 'ENABLED' }));
    if (ChecksumType === 'FULL_OBJECT') expect(done[field]).toBe(whole[field]);
    else expect(done[field]).toMatch(/-2$/);
    // On S3 a repeated completion succeeds.
    expect((await client.send(complete)).ETag).toBe(done.ETag);
    expect((await bytesOf(Key)).equals(body)).toBe(true);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toEqual([]);
  });

  it('pages through a listing', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'pages' }));
    const keys = Array.from({ length: 25 }, (_, at) => `k${String(at).padStart(2, '0')} é`);
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: 'pages', Key, Body: '' }));
    const seen: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client, pageSize: 10 }, { Bucket: 'pages' }))
      seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
    expect(seen).toEqual(keys);
    const deleted = await client.send(
      new DeleteObjectsCommand({ Bucket: 'pages', Delete: { Objects: keys.map((Key) => ({ Key })) } }),
    );
    expect(deleted.Deleted).toHaveLength(25);
    expect((await client.send(new ListObjectsV2Command({ Bucket: 'pages' }))).KeyCount).toBe(0);
    await client.send(new DeleteBucketCommand({ Bucket: 'pages' }));
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toEqual([Bucket]);
  });

  it('tags objects and sets CORS rules', async () => {
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
    await client.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging }));
    expect((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'a' }))).TagSet).toEqual(Tagging.TagSet);
    const CORSRules = [{ AllowedMethods: ['PUT'], AllowedOrigins: ['https://a.example'], AllowedHeaders: ['*'] }];
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    expect((await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules);
  });

  it('presigns puts, gets and forms', async () => {
    const put = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'pre', Metadata: { in: 'query' } }));
    expect((await fetch(put, { method: 'PUT', body: 'signed' })).status).toBe(200);
    const get = await getSignedUrl(
      client,
      new GetObjectCommand({ Bucket, Key: 'pre', ResponseContentType: 'text/x-test' }),
    );
    const got = await fetch(get);
    expect([got.headers.get('content-type'), got.headers.get('x-amz-meta-in'), await got.text()]).toEqual([
      'text/x-test',
      'query',
      'signed',
    ]);
    const { url, fields } = await createPresignedPost(client, {
      Bucket,
      // A placeholder of S3
      Key: 'form/${filename}',
      Conditions: [['content-length-range', 1, 5]],
    });
    for (const [text, status] of [
      ['hello', 204],
      ['too long', 400],
    ] as const) {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append('file', new Blob([text]), 'note.txt');
      expect((await fetch(url, { method: 'POST', body: form })).status).toBe(status);
    }
    expect((await bytesOf('form/note.txt')).toString()).toBe('hello');
  });
});
