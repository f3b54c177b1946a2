/** What AWS accepts, and the answers that clients and developers read: checksums, encryption, tags, owners, errors. */
import { createHash } from 'node:crypto';
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, credentials, presign, startStore, type TestStore, transmit } from './devstore-signer.ts';

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

const status = ({ status, code }: Answer) => (code === undefined ? String(status) : `${status} ${code}`);
const one = ({ body }: Answer, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString())?.[1];
const failure = async (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => error.name,
  );

describe('checksums', () => {
  const MiB = 1024 ** 2;
  const pieces = [Buffer.alloc(5 * MiB, 'a'), Buffer.from('the end')];

  type Create = { ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: 'FULL_OBJECT' };

  /** `checksumOf` computes the checksum for algorithms that the SDK does not support. */
  async function upload(Key: string, create: Create, checksumOf?: (piece: Buffer) => Record<string, string>) {
    const where = { Bucket, Key };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...where, ...create }));
    const Parts = [];
    for (const [index, Body] of pieces.entries()) {
      const PartNumber = index * 3 + 2;
      const given = checksumOf ? checksumOf(Body) : { ChecksumAlgorithm: create.ChecksumAlgorithm };
      const { ETag, $metadata, ServerSideEncryption, ...checksums } = await client.send(
        new UploadPartCommand({ ...where, UploadId, PartNumber, Body, ...given }),
      );
      Parts.push({ PartNumber, ETag, ...(create.ChecksumAlgorithm ? checksums : {}) });
    }
    return { ...where, UploadId, MultipartUpload: { Parts } };
  }

  it('of a part are answered for ?partNumber, also for FULL_OBJECT uploads', async () => {
    const full = await upload('full', { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' });
    await client.send(new CompleteMultipartUploadCommand(full));
    for (const [index, part] of full.MultipartUpload.Parts.entries()) {
      const head = await client.send(
        new HeadObjectCommand({ Bucket, Key: 'full', PartNumber: index + 1, ChecksumMode: 'ENABLED' }),
      );
      expect(head).toMatchObject({
        ChecksumCRC32C: (part as { ChecksumCRC32C?: string }).ChecksumCRC32C,
        ChecksumType: 'FULL_OBJECT',
        PartsCount: 2,
      });
    }
  });

  it('in a header that completes an upload without an algorithm are ignored', async () => {
    const plain = await upload('plain', {});
    const done = await client.send(new CompleteMultipartUploadCommand({ ...plain, ChecksumCRC32C: 'AAAAAA==' }));
    expect(done).toMatchObject({ ChecksumType: 'FULL_OBJECT', ChecksumCRC64NVME: expect.any(String) });
  });

  it.each(['SHA512', 'MD5'] as const)('of %s are verified, for objects, parts and copies', async (algorithm) => {
    const name = algorithm.toLowerCase();
    const value = (data: string | Buffer) => createHash(name).update(data).digest('base64');
    const header = `x-amz-checksum-${name}`;
    const put = (data: string) =>
      store.send('PUT', `/photos/${name}`, { body: 'hello', headers: { [header]: value(data) } });
    expect(status(await put('other'))).toBe('400 BadDigest');
    expect((await put('hello')).headers[header]).toBe(value('hello'));
    const copied = await client.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${name}`, ChecksumAlgorithm: algorithm }),
    );
    expect(copied.CopyObjectResult).toMatchObject({ [`Checksum${algorithm}`]: value('hello') });

    const parts = await upload(`${name}-parts`, { ChecksumAlgorithm: algorithm }, (piece) => ({
      [`Checksum${algorithm}`]: value(piece),
    }));
    const done = await client.send(new CompleteMultipartUploadCommand(parts));
    const composite = createHash(name);
    for (const piece of pieces) composite.update(createHash(name).update(piece).digest());
    expect(done).toMatchObject({
      [`Checksum${algorithm}`]: `${composite.digest('base64')}-2`,
      ChecksumType: 'COMPOSITE',
    });
  });

  it('of an unknown algorithm are named in the error', async () => {
    const answer = await store.send('PUT', '/photos/x', { body: 'a', headers: { 'x-amz-checksum-adler32': 'AAAA' } });
    expect([status(answer), one(answer, 'Header')]).toEqual(['501 NotImplemented', 'x-amz-checksum-adler32']);
  });

  it('are verified despite an unknown x-amz-checksum-algorithm on PutObject', async () => {
    const answer = await store.send('PUT', '/photos/y', {
      body: 'a',
      headers: { 'x-amz-checksum-algorithm': 'ADLER' },
    });
    expect(status(answer)).toBe('200');
  });
});

it('every answer to a write and to a read contains the encryption header', async () => {
  const where = { Bucket, Key: 'encrypted' };
  const answers: Record<string, { ServerSideEncryption?: string | undefined }> = {
    put: await client.send(new PutObjectCommand({ ...where, Body: 'x' })),
    get: await client.send(new GetObjectCommand(where)),
    range: await client.send(new GetObjectCommand({ ...where, Range: 'bytes=0-0' })),
    head: await client.send(new HeadObjectCommand(where)),
    copy: await client.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/encrypted` })),
  };
  const created = await client.send(new CreateMultipartUploadCommand(where));
  const upload = { ...where, UploadId: created.UploadId };
  const part = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' }));
  const CopySource = `${Bucket}/copied`;
  const partCopy = await client.send(new UploadPartCopyCommand({ ...upload, PartNumber: 2, CopySource }));
  const Parts = [{ PartNumber: 1, ETag: part.ETag }];
  const completed = await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  Object.assign(answers, { created, part, partCopy, completed });
  const told = Object.entries(answers).map(([name, { ServerSideEncryption }]) => `${name}: ${ServerSideEncryption}`);
  expect(told).toEqual(Object.keys(answers).map((name) => `${name}: AES256`));
});

describe('tags', () => {
  it('are refused with BadRequest when there are more than ten', async () => {
    const eleven = Array.from({ length: 11 }, (_, index) => `k${index}=v`);
    const headers = { 'x-amz-tagging': eleven.join('&') };
    const refused = await store.send('PUT', '/photos/tagged', { body: 'x', headers });
    expect([status(refused), one(refused, 'Message')]).toEqual([
      '400 BadRequest',
      'Object tags cannot be greater than 10',
    ]);
  });

  it('may be separated by several ampersands', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'tagged', Body: 'x', Tagging: 'a=1&&&b=2' }));
    const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }));
    expect(TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]);
  });

  it.each(['<Tagging/>', '<Tagging><TagSet/></Tagging>', '<Tagging><TagSet></TagSet></Tagging>'])(
    'are removed by %s',
    async (body) => {
      await store.send('PUT', '/photos/tagged', { body: 'x', headers: { 'x-amz-tagging': 'a=1' } });
      expect(status(await store.send('PUT', '/photos/tagged', { query: 'tagging=', body }))).toBe('200');
      const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }));
      expect(TagSet).toEqual([]);
    },
  );

  it('may come with a new bucket, which then cannot be created again', async () => {
    const create = (Tags: { Key: string; Value: string }[]) =>
      client.send(new CreateBucketCommand({ Bucket: 'tagged-bucket', CreateBucketConfiguration: { Tags } }));
    expect((await create([{ Key: 'a', Value: 'b' }])).BucketArn).toBe('arn:aws:s3:::tagged-bucket');
    const { TagSet } = await client.send(new GetBucketTaggingCommand({ Bucket: 'tagged-bucket' }));
    expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }]);
    expect(await failure(create([{ Key: 'a', Value: 'b' }]))).toBe('BucketAlreadyOwnedByYou');
    expect(await failure(create([]))).toBe('no error');
    const refused = client.send(
      new CreateBucketCommand({
        Bucket: 'system-tags',
        CreateBucketConfiguration: { Tags: [{ Key: 'aws:a', Value: 'b' }] },
      }),
    );
    expect(await failure(refused)).toBe('InvalidTag');
  });
});

describe('SignatureDoesNotMatch', () => {
  const elements = ({ body }: Answer) => [...body.toString().matchAll(/<(\w+)>/g)].map(([, name]) => name);
  const spelled = (bytes: string | undefined) => Buffer.from((bytes ?? '').replaceAll(' ', ''), 'hex').toString();
  const unescaped = (text = '') => text.replaceAll('&amp;', '&');

  it('for an Authorization header contains all calculated values, and no resource', async () => {
    const answer = await store.send('PUT', '/photos/é'.replace('é', '%C3%A9'), { body: 'x', secret: 'wrong' });
    expect(status(answer)).toBe('403 SignatureDoesNotMatch');
    expect(elements(answer)).toEqual([
      ...['Error', 'Code', 'Message', 'AWSAccessKeyId', 'StringToSign', 'SignatureProvided', 'StringToSignBytes'],
      ...['CanonicalRequest', 'CanonicalRequestBytes', 'RequestId', 'HostId'],
    ]);
    expect(one(answer, 'AWSAccessKeyId')).toBe(credentials.accessKeyId);
    expect(one(answer, 'SignatureProvided')).toMatch(/^[0-9a-f]{64}$/);
    const canonical = one(answer, 'CanonicalRequest') ?? '';
    expect(canonical.split('\n').slice(0, 3)).toEqual(['PUT', '/photos/%C3%A9', '']);
    expect(spelled(one(answer, 'CanonicalRequestBytes'))).toBe(canonical);
    expect(spelled(one(answer, 'StringToSignBytes'))).toBe(one(answer, 'StringToSign'));
    expect(one(answer, 'StringToSign')?.split('\n')[3]).toBe(createHash('sha256').update(canonical).digest('hex'));
    expect(one(answer, 'StringToSignBytes')).toMatch(/^41 57 53 34 /);
  });

  it('for a presigned URL contains all calculated values', async () => {
    const { host } = new URL(store.url);
    const query = presign('GET', host, '/photos/a', {}).replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const answer = await transmit(store.url, 'GET', `/photos/a?${query}`, { host });
    expect(one(answer, 'SignatureProvided')).toBe(/X-Amz-Signature=(\w+)/.exec(query)?.[1]);
    expect(unescaped(one(answer, 'CanonicalRequest'))).toContain('X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=');
    expect(elements(answer)).not.toContain('Resource');
  });

  it('for a form contains the policy as the string to sign', async () => {
    const boundary = 'b';
    const policy = Buffer.from('{}').toString('base64');
    const fields: Record<string, string> = {
      key: 'a',
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': `${credentials.accessKeyId}/20300101/us-east-1/s3/aws4_request`,
      'x-amz-date': '20300101T000000Z',
      policy,
      'x-amz-signature': 'f'.repeat(64),
      file: 'x',
    };
    const body = Object.entries(fields)
      .map(([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join('');
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const answer = await store.send('POST', '/photos', { unsigned: true, headers, body: `${body}--${boundary}--\r\n` });
    expect(elements(answer)).toEqual([
      ...['Error', 'Code', 'Message', 'AWSAccessKeyId', 'StringToSign', 'SignatureProvided', 'StringToSignBytes'],
      ...['RequestId', 'HostId'],
    ]);
    expect([one(answer, 'StringToSign'), one(answer, 'SignatureProvided')]).toEqual([policy, 'f'.repeat(64)]);
  });
});

describe('owners, buckets and dates', () => {
  it('owners have an ID only, and the initiator of an upload has a name as well', async () => {
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'pending' }));
    const { Contents } = await client.send(new ListObjectsCommand({ Bucket }));
    const { Owner } = await client.send(new ListBucketsCommand({}));
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    const ID = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect([Contents?.[0]?.Owner, Owner, Uploads?.[0]?.Owner]).toEqual([{ ID }, { ID }, { ID }]);
    expect(Uploads?.[0]?.Initiator).toEqual({ ID, DisplayName: 'devstore' });
    const acl = await store.send('GET', '/photos', { query: 'acl=' });
    expect(acl.body.toString()).not.toContain('DisplayName');
  });

  it('buckets have an ARN', async () => {
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.find(({ Name }) => Name === Bucket)?.BucketArn).toBe('arn:aws:s3:::photos');
    expect((await client.send(new HeadBucketCommand({ Bucket }))).BucketArn).toBe('arn:aws:s3:::photos');
  });

  it('dates end in .000Z', async () => {
    const dates = await Promise.all(
      [
        store.send('GET', '/'),
        store.send('GET', '/photos', { query: 'uploads=' }),
        store.send('GET', '/photos', { query: 'list-type=2' }),
      ].map(async (answer) =>
        [...(await answer).body.toString().matchAll(/<(?:CreationDate|Initiated|LastModified)>([^<]*)</g)].map(
          ([, date]) => date,
        ),
      ),
    );
    expect(dates.every((of) => of.length > 0)).toBe(true);
    for (const date of dates.flat()) expect(date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  });

  it('ownership controls and the public access block are not found after they were deleted', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'settings' }));
    const of = { Bucket: 'settings' };
    const read = () =>
      Promise.all([
        failure(client.send(new GetBucketOwnershipControlsCommand(of))),
        failure(client.send(new GetPublicAccessBlockCommand(of))),
      ]);
    expect(await read()).toEqual(['no error', 'no error']);
    for (const _ of [1, 2]) {
      await client.send(new DeleteBucketOwnershipControlsCommand(of));
      await client.send(new DeletePublicAccessBlockCommand(of));
    }
    expect(await read()).toEqual(['OwnershipControlsNotFoundError', 'NoSuchPublicAccessBlockConfiguration']);
  });
});

describe('metadata', () => {
  // The pairs were recorded from AWS: test_user_metadata_rfc2047_encoded in localstack's snapshots.
  it.each([
    ['=?UTF-8?Q?actually-ascii?=', 'actually-ascii'],
    ['=?UTF-8?B?YWJj?=', 'abc'],
    ['=?utf-8?q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=', '=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?='],
    ['=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?=', '=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?='],
    ['=?UTF-8?B?AAECAw==?=', '=?UTF-8?B?AAECAw==?='],
    ['=?UTF-8?B?77+977+9?=', '=?UTF-8?B?77+977+9?='],
    ['a =?UTF-8?Q?b?= =?UTF-8?Q?c?= d', 'a bc d'],
    ['=?no-charset?Q?b?=', '=?no-charset?Q?b?='],
    ['plain =? text ?=', 'plain =? text ?='],
  ])('%s is stored decoded and answered as %s', async (given, expected) => {
    await store.send('PUT', '/photos/meta', { body: 'x', headers: { 'x-amz-meta-a': given } });
    expect((await store.send('HEAD', '/photos/meta')).headers['x-amz-meta-a']).toBe(expected);
  });
});
