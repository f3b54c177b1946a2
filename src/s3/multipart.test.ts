/** The multipart operations against prepared responses. Only `fetch` is replaced. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isS3Error } from './s3-error.ts';
import { s3Storage } from './storage.ts';
import type { PartInfo, S3StorageOptions } from './types.ts';

interface Sent {
  method: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: string;
}

function setUp(response: (sent: Sent, count: number) => Response | Error, options: Partial<S3StorageOptions> = {}) {
  const sent: Sent[] = [];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const body = init.body ? Buffer.from(init.body as Uint8Array).toString() : '';
    const { searchParams } = new URL(url);
    const headers = init.headers as Record<string, string>;
    sent.push({ method: String(init.method), query: searchParams, headers, body });
    const answered = response(sent.at(-1) as Sent, sent.length);
    if (answered instanceof Error) throw answered;
    return answered;
  };
  const storage = s3Storage({
    capabilities: 'aws',
    bucket: 'user-content',
    endpoint: 'http://store.test:9000',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    random: () => 0,
    fetch: fetch as typeof globalThis.fetch,
    ...options,
  });
  return { storage, sent };
}

const xml = (body: string, status = 200) => new Response(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`, { status });
const error = (status: number, code: string) => xml(`<Error><Code>${code}</Code><Message>m</Message></Error>`, status);
const lost = () => Object.assign(new TypeError('fetch failed'), { cause: new Error('socket hang up') });

const value = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=';
const partXml = (number: number) =>
  `<Part><PartNumber>${number}</PartNumber><LastModified>2026-11-24T00:00:00.000Z</LastModified><ETag>&quot;${number}e&quot;</ETag><Size>${number}</Size><ChecksumSHA256>${value}</ChecksumSHA256></Part>`;
const part = (number: number): PartInfo => ({
  partNumber: number,
  size: number,
  etag: `"${number}e"`,
  checksums: { sha256: value },
  lastModified: '2026-11-24T00:00:00.000Z',
});

describe('listParts', () => {
  it('reads all pages of 10,000 parts in order, also with gaps', async () => {
    const there = Array.from({ length: 10_000 }, (_, index) => index + 1).filter((number) => number % 7 !== 0);
    const { storage, sent } = setUp(({ query }) => {
      const after = Number(query.get('part-number-marker') ?? 0);
      const rest = there.filter((number) => number > after);
      const page = rest.slice(0, Number(query.get('max-parts')));
      return xml(
        `<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><UploadId>u</UploadId><IsTruncated>${rest.length > page.length}</IsTruncated>${page.map(partXml).join('')}</ListPartsResult>`,
      );
    });
    expect(await storage.listParts('a', 'u')).toEqual(there.map(part));
    expect(sent).toHaveLength(Math.ceil(there.length / 1000));
    expect(sent.every(({ query }) => query.get('uploadId') === 'u')).toBe(true);
  });

  it('accepts every notation of an ETag and omits absent checksums', async () => {
    const etags = ['&quot;a-b&quot;', '&#34;a-b&#34;', '"a-b"', 'a-b'];
    const { storage } = setUp(() =>
      xml(
        `<ListPartsResult>${etags.map((etag, index) => `\n  <Part>\n<ETag>${etag}</ETag>\n<Size>5</Size><PartNumber>${index + 1}</PartNumber></Part>`).join('')}<IsTruncated>false</IsTruncated></ListPartsResult>`,
      ),
    );
    expect(await storage.listParts('a', 'u')).toEqual(
      etags.map((_, index) => ({ partNumber: index + 1, size: 5, etag: '"a-b"', checksums: {} })),
    );
  });

  it('ends when a truncated page has no parts', async () => {
    const { storage, sent } = setUp(() => xml('<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>'));
    expect(await storage.listParts('a', 'u')).toEqual([]);
    expect(sent).toHaveLength(1);
  });

  it('returns null only when the multipart upload does not exist', async () => {
    expect(await setUp(() => error(404, 'NoSuchUpload')).storage.listParts('a', 'u')).toBeNull();
    const forbidden = setUp(() => error(403, 'AccessDenied')).storage.listParts('a', 'u');
    await expect(forbidden).rejects.toMatchObject({ code: 'AccessDenied' });
    const nowhere = setUp(() => error(404, 'NoSuchBucket')).storage.listParts('a', 'u');
    await expect(nowhere).rejects.toMatchObject({ code: 'NoSuchBucket' });
  });

  it('retries a page that was cut off', async () => {
    const { storage } = setUp((_, count) =>
      count < 3 ? error(503, 'SlowDown') : xml(`<ListPartsResult>${partXml(1)}</ListPartsResult>`),
    );
    expect(await storage.listParts('a', 'u')).toEqual([part(1)]);
  });
});

describe('createMultipart', () => {
  it('sends the checksum algorithm and type where the storage supports them', async () => {
    const created = () => xml('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
    const headersFor = async (
      algorithm: 'sha256' | 'crc64nvme' | 'md5',
      capabilities: S3StorageOptions['capabilities'],
    ) => {
      const { storage, sent } = setUp(created, capabilities ? { capabilities } : {});
      const metadata = { waybill: 'receipt' };
      const made = await storage.createMultipart({
        key: 'a',
        contentType: 'image/png',
        metadata,
        checksumAlgorithm: algorithm,
      });
      expect(made).toEqual({ multipartId: 'u' });
      expect(sent[0]?.query.get('uploads')).toBe('');
      expect(sent[0]?.headers).toMatchObject({ 'content-type': 'image/png', 'x-amz-meta-waybill': 'receipt' });
      return [sent[0]?.headers['x-amz-checksum-algorithm'], sent[0]?.headers['x-amz-checksum-type']];
    };
    expect(await headersFor('sha256', 'aws')).toEqual(['SHA256', 'COMPOSITE']);
    expect(await headersFor('crc64nvme', 'aws')).toEqual(['CRC64NVME', 'FULL_OBJECT']);
    expect(await headersFor('md5', 'aws')).toEqual([undefined, undefined]);
    expect(await headersFor('sha256', 'ceph16')).toEqual([undefined, undefined]);
  });
});

describe('completeMultipart', () => {
  const complete = { key: 'a', multipartId: 'u', parts: [part(1), part(2)], size: 3 };
  const done = () =>
    xml(
      `<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag><ChecksumSHA256>${value}-2</ChecksumSHA256></CompleteMultipartUploadResult>`,
    );

  it('sends ETags, checksums, If-None-Match and the size', async () => {
    const { storage, sent } = setUp(done);
    expect(await storage.completeMultipart(complete)).toEqual({ etag: '"e-2"', checksums: { sha256: value } });
    expect(sent[0]?.headers).toMatchObject({ 'if-none-match': '*', 'x-amz-mp-object-size': '3' });
    const listed = (number: number) =>
      `<Part><ETag>&quot;${number}e&quot;</ETag><ChecksumSHA256>${value}</ChecksumSHA256><PartNumber>${number}</PartNumber></Part>`;
    expect(sent[0]?.body).toBe(`<CompleteMultipartUpload>${listed(1)}${listed(2)}</CompleteMultipartUpload>`);
  });

  it('sends no condition that the storage ignores or that `once: false` turns off', async () => {
    const { storage, sent } = setUp(done, { capabilities: 'ceph16' });
    await storage.completeMultipart(complete);
    expect(sent[0]?.headers).not.toHaveProperty('if-none-match');
    expect(sent[0]?.headers).not.toHaveProperty('x-amz-mp-object-size');
    const twice = setUp(done);
    await twice.storage.completeMultipart({ ...complete, once: false });
    expect(twice.sent[0]?.headers).not.toHaveProperty('if-none-match');
  });

  it('escapes any ETag', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 20 }), async (etag) => {
        const { storage, sent } = setUp(done);
        await storage.completeMultipart({ ...complete, parts: [{ ...part(1), etag }] });
        const text = /<ETag>([^<>]*)<\/ETag>/.exec(sent[0]?.body ?? '')?.[1] ?? '';
        const back = text
          .replaceAll('&quot;', '"')
          .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
        expect(back).toBe(etag);
      }),
    );
  });

  it('throws for an <Error> with status 200, also after leading spaces', async () => {
    const slow = () => new Response(`      <?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>`);
    const { storage, sent } = setUp(slow, { retries: 2 });
    await expect(storage.completeMultipart(complete)).rejects.toMatchObject({
      code: 'InternalError',
      status: 200,
      attempts: 3,
    });
    expect(sent).toHaveLength(3);
    const refusal = setUp(() => xml('<Error><Code>InvalidPart</Code></Error>'));
    await expect(refusal.storage.completeMultipart(complete)).rejects.toMatchObject({ code: 'InvalidPart' });
    expect(refusal.sent).toHaveLength(1);
    const cutOff = setUp(() => new Response('   '), { retries: 0 });
    await expect(cutOff.storage.completeMultipart(complete)).rejects.toMatchObject({ code: 'InternalError' });
  });

  it('throws ConditionalRequestConflict without a retry, because the parts must be sent again', async () => {
    const { storage, sent } = setUp(() => error(409, 'ConditionalRequestConflict'));
    await expect(storage.completeMultipart(complete)).rejects.toMatchObject({
      status: 409,
      code: 'ConditionalRequestConflict',
    });
    expect(sent).toHaveLength(1);
  });

  it.each([
    [404, 'NoSuchUpload'],
    [412, 'PreconditionFailed'],
  ])('throws the %i after a lost response with the number of attempts', async (status, code) => {
    const { storage, sent } = setUp((_, count) => (count === 1 ? lost() : error(status, code)));
    const failure = await storage.completeMultipart(complete).catch((caught: unknown) => caught);
    expect(isS3Error(failure) && failure).toMatchObject({ status, code, attempts: 2 });
    expect(sent).toHaveLength(2);
  });

  it('accepts a response without an ETag', async () => {
    const { storage } = setUp(() =>
      xml('<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>'),
    );
    expect(await storage.completeMultipart(complete)).toEqual({ etag: '', checksums: {} });
  });
});

describe('the other multipart operations', () => {
  it('abortMultipart() ignores only a missing multipart upload', async () => {
    await setUp(() => new Response(null, { status: 204 })).storage.abortMultipart('a', 'u');
    await setUp(() => error(404, 'NoSuchUpload')).storage.abortMultipart('a', 'u');
    const refused = setUp(() => error(403, 'AccessDenied')).storage.abortMultipart('a', 'u');
    await expect(refused).rejects.toMatchObject({ code: 'AccessDenied' });
  });

  it('listMultiparts() decodes keys and returns the markers of the next page', async () => {
    const { storage, sent } = setUp(() =>
      xml(
        '<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>in/a+b%2B</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker><Upload><Key>in/a+b%2B</Key><UploadId>u1</UploadId><Initiated>2026-11-24T00:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>',
      ),
    );
    const page = await storage.listMultiparts({ prefix: 'in/' });
    expect(page).toEqual({
      uploads: [{ key: 'in/a b+', multipartId: 'u1', initiated: '2026-11-24T00:00:00.000Z' }],
      next: { keyMarker: 'in/a b+', multipartIdMarker: 'u1' },
    });
    await storage.listMultiparts({ prefix: 'in/', next: page.next });
    expect(Object.fromEntries(sent[1]?.query ?? [])).toMatchObject({
      'key-marker': 'in/a b+',
      'upload-id-marker': 'u1',
      prefix: 'in/',
      uploads: '',
    });
    const empty = setUp(() =>
      xml('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>'),
    );
    expect(await empty.storage.listMultiparts({ prefix: 'in/' })).toEqual({ uploads: [] });
  });

  it('copyPart() sends the range and the expected ETag of the source', async () => {
    const { storage, sent } = setUp(() => xml('<CopyPartResult><ETag>e</ETag></CopyPartResult>'));
    const copied = await storage.copyPart({
      from: 'a b',
      sourceEtag: '"s"',
      to: 'c',
      multipartId: 'u',
      partNumber: 3,
      range: [5, 9],
    });
    expect(copied).toEqual({ partNumber: 3, size: 5, etag: '"e"', checksums: {} });
    expect(sent[0]?.headers).toMatchObject({
      'x-amz-copy-source': '/user-content/a%20b',
      'x-amz-copy-source-range': 'bytes=5-9',
      'x-amz-copy-source-if-match': '"s"',
    });
    const broken = setUp(() => xml('<Error><Code>PreconditionFailed</Code></Error>'), { retries: 0 });
    const refused = broken.storage.copyPart({ from: 'a', to: 'c', multipartId: 'u', partNumber: 3, range: [5, 9] });
    await expect(refused).rejects.toMatchObject({ code: 'PreconditionFailed' });
  });
});

describe('presignPart', () => {
  const storage = setUp(() => lost(), { publicEndpoint: ['http://a.test', 'http://b.test'] }).storage;
  const facts = { key: 'a', multipartId: 'u', partNumber: 1, size: 1, expiresInSeconds: 60 };

  it.each([
    ['part 0', { partNumber: 0 }],
    ['part 10,001', { partNumber: 10_001 }],
    ['a fraction of a part number', { partNumber: 1.5 }],
    ['a negative size', { size: -1 }],
    ['a multipartId with a line break', { multipartId: 'u\n' }],
    ['an unknown host', { host: 2 }],
    ['a checksum that the storage does not verify', { checksum: { algorithm: 'md4' as never, value: 'x' } }],
  ])('refuses %s', (_, change) => {
    expect(() => storage.presignPart({ ...facts, ...change })).toThrow();
  });

  it('escapes the multipartId and signs for the chosen host', () => {
    const [first, second] = [0, 1].map((host) => storage.presignPart({ ...facts, multipartId: 'a+b&c=d/e', host }));
    expect(first?.url).toContain('&partNumber=1&uploadId=a%2Bb%26c%3Dd%2Fe&X-Amz-Signature=');
    expect(first?.url.startsWith('http://a.test/')).toBe(true);
    expect(second?.url.startsWith('http://b.test/')).toBe(true);
    expect(new URL(first?.url ?? '').searchParams.get('X-Amz-Signature')).not.toBe(
      new URL(second?.url ?? '').searchParams.get('X-Amz-Signature'),
    );
  });
});
