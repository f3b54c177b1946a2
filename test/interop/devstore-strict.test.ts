/** Requests that AWS refuses. If the devstore accepted them, a developer would find the mistake only in production. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, credentials, presign, startStore, type TestStore, transmit } from './devstore-signer.ts';

let store: TestStore;
beforeAll(async () => {
  store = await startStore();
});
afterAll(() => store.end());

const status = ({ status, code }: Answer) => (code === undefined ? String(status) : `${status} ${code}`);
const one = ({ body }: Answer, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString())?.[1];
const md5 = (data: string) => createHash('md5').update(data).digest('hex');
const sha = (data: string) => createHash('sha256').update(data).digest('base64');
const crc = (data: string | Buffer) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(data));
  return bytes.toString('base64');
};

describe('an aws-chunked body', () => {
  /** The answer of AWS is in https://github.com/versity/versitygw/issues/2085. */
  const sendChunks = (path: string, sizes: readonly number[]) => {
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const chunks = sizes.map((size) => `${size.toString(16)}\r\n${'a'.repeat(size)}\r\n`).join('');
    return store.send('PUT', path, {
      body: `${chunks}0\r\nx-amz-checksum-crc32:${crc('a'.repeat(total))}\r\n\r\n`,
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(total),
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
    });
  };

  it.each<[string, number[], string]>([
    ['one small chunk', [3], '200'],
    ['a last chunk under 8 KiB', [8192, 8191], '200'],
    ['a first chunk under 8 KiB', [8191, 8192], '403 InvalidChunkSizeError'],
    ['a chunk under 8 KiB between two others', [8192, 8191, 1], '403 InvalidChunkSizeError'],
  ])('without chunk signatures: %s', async (_, sizes, expected) => {
    expect(status(await sendChunks('/photos/chunked', sizes))).toBe(expected);
  });

  it('is refused with the number of the chunk and the size of the one before', async () => {
    const refused = await sendChunks('/photos/chunked', [8192, 1000, 1000]);
    expect([one(refused, 'Chunk'), one(refused, 'BadChunkSize')]).toEqual(['3', '1000']);
  });

  it('is refused when the AWS SDK sends a stream of small pieces without a buffer', async () => {
    const send = async (requestStreamBufferSize?: number) => {
      const client = new S3Client({
        endpoint: store.url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials,
        ...(requestStreamBufferSize === undefined ? {} : { requestStreamBufferSize }),
      });
      const body = ['a'.repeat(100), 'b'.repeat(20_000)].map((piece) => Buffer.from(piece));
      try {
        await client.send(
          new PutObjectCommand({ Bucket: 'photos', Key: 'sdk', Body: Readable.from(body), ContentLength: 20_100 }),
        );
        return 'stored';
      } catch (error) {
        return (error as Error).name;
      } finally {
        client.destroy();
      }
    };
    expect(await send()).toBe('InvalidChunkSizeError');
    expect(await send(65_536)).toBe('stored');
  });
});

describe('a condition signed in the query of a presigned PUT', () => {
  const put = (query: Record<string, string>) => {
    const { host } = new URL(store.url);
    const signed = presign('PUT', host, '/photos/once', { query });
    return transmit(store.url, 'PUT', `/photos/once?${signed}`, { host, 'content-length': '5' }, 'again');
  };
  beforeAll(async () => {
    await store.send('PUT', '/photos/once', { body: 'first' });
  });

  it.each<[string, Record<string, string>, string]>([
    ['If-None-Match', { 'If-None-Match': '*' }, '412 PreconditionFailed'],
    ['if-none-match in lower case', { 'if-none-match': '*' }, '412 PreconditionFailed'],
    ['If-Match with another ETag', { 'If-Match': `"${md5('other')}"` }, '412 PreconditionFailed'],
    ['If-Match with the ETag', { 'If-Match': `"${md5('first')}"` }, '200'],
  ])('counts: %s', async (_, query, expected) => {
    expect(status(await put(query))).toBe(expected);
    const stored = (await store.send('GET', '/photos/once')).body.toString();
    expect(stored).toBe(expected === '200' ? 'again' : 'first');
  });
});

describe('a multipart upload', () => {
  const begin = async (path: string, headers: Record<string, string>) =>
    one(await store.send('POST', path, { query: 'uploads=', headers }), 'UploadId') ?? '';
  const part = (path: string, id: string, body: string, headers: Record<string, string> = {}) =>
    store.send('PUT', path, { query: `partNumber=1&uploadId=${id}`, body, headers });
  const complete = (path: string, id: string, body: string, headers: Record<string, string> = {}) =>
    store.send('POST', path, {
      query: `uploadId=${id}`,
      headers,
      body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${md5(body)}</ETag></Part></CompleteMultipartUpload>`,
    });

  it('with a FULL_OBJECT checksum needs the type and the checksum when it is completed', async () => {
    const path = '/photos/typed';
    const id = await begin(path, { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' });
    await part(path, id, 'whole', { 'x-amz-checksum-crc32': crc('whole') });
    const checksum = { 'x-amz-checksum-crc32': crc('whole') };
    const untyped = await complete(path, id, 'whole', checksum);
    expect(status(untyped)).toBe('400 BadDigest');
    expect(one(untyped, 'Message')).toBe('The crc32 you specified did not match the calculated checksum.');
    expect(status(await complete(path, id, 'whole', { ...checksum, 'x-amz-checksum-type': 'FULL_OBJECT' }))).toBe(
      '200',
    );
  });

  it('with a COMPOSITE checksum refuses a part without one', async () => {
    const path = '/photos/composite';
    for (const [algorithm, header, value] of [
      ['SHA256', 'x-amz-checksum-sha256', sha('part')],
      ['CRC32', 'x-amz-checksum-crc32', crc('part')],
    ] as const) {
      const id = await begin(path, { 'x-amz-checksum-algorithm': algorithm });
      const refused = await part(path, id, 'part');
      expect(status(refused)).toBe('400 InvalidRequest');
      expect(one(refused, 'Message')).toBe(
        `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: null`,
      );
      expect(status(await part(path, id, 'part', { [header]: value }))).toBe('200');
    }
  });

  it('with a FULL_OBJECT checksum, or without one, accepts a part without a checksum', async () => {
    const full = { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' };
    for (const headers of [full, { 'x-amz-checksum-algorithm': 'CRC64NVME' }, {}])
      expect(status(await part('/photos/p', await begin('/photos/p', headers), 'part'))).toBe('200');
  });
});

describe('the source of a copy', () => {
  beforeAll(async () => {
    await store.send('PUT', '/photos/two%20words', { body: 'space' });
    await store.send('PUT', '/photos/one%2Bone', { body: 'plus' });
  });

  it.each([
    ['photos/two+words', 'space'],
    ['photos/two%20words', 'space'],
    ['photos/one%2Bone', 'plus'],
  ])('%s is decoded as a form value: a plus is a space', async (source, expected) => {
    const copied = await store.send('PUT', '/photos/copy', { headers: { 'x-amz-copy-source': source } });
    expect(status(copied)).toBe('200');
    expect((await store.send('GET', '/photos/copy')).body.toString()).toBe(expected);
  });

  it('is not found where the plus was not encoded', async () => {
    const headers = { 'x-amz-copy-source': 'photos/one+one' };
    expect(status(await store.send('PUT', '/photos/copy', { headers }))).toBe('404 NoSuchKey');
    const id = one(await store.send('POST', '/photos/parts', { query: 'uploads=' }), 'UploadId');
    const query = `partNumber=1&uploadId=${id}`;
    expect(status(await store.send('PUT', '/photos/parts', { query, headers }))).toBe('404 NoSuchKey');
  });
});

describe('the header section', () => {
  // The answer of AWS is in https://github.com/versity/versitygw/issues/2180.
  it.each([9_000, 70_000])('of %i bytes is too large', async (length) => {
    const refused = await store.send('GET', '/photos/once', { headers: { 'x-large-header': 'a'.repeat(length) } });
    expect(status(refused)).toBe('400 RequestHeaderSectionTooLarge');
    expect([one(refused, 'Message'), one(refused, 'MaxSizeAllowed')]).toEqual([
      'Your request header section exceeds the maximum allowed size.',
      '8192',
    ]);
  });

  it('is refused before the signature is verified and before the body is read', async () => {
    const headers = { 'x-large-header': 'a'.repeat(9_000) };
    expect(status(await store.send('PUT', '/photos/large', { headers, secret: 'wrong', body: 'x' }))).toBe(
      '400 RequestHeaderSectionTooLarge',
    );
    expect(status(await store.send('GET', '/photos/large'))).toBe('404 NoSuchKey');
  });

  it('of 7,000 bytes is accepted', async () => {
    const headers = { 'x-large-header': 'a'.repeat(7_000) };
    expect(status(await store.send('GET', '/photos/once', { headers }))).toBe('200');
  });
});
