/** The AWS SDK as an oracle: we verify what it signs, and we sign what it would have signed. No storage is involved. */
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl, S3RequestPresigner } from '@aws-sdk/s3-request-presigner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { s3Storage } from '../../src/s3/index.ts';
import {
  encodeComponent,
  encodeKey,
  type RequestToVerify,
  verifyPolicy,
  verifyRequest,
} from '../../src/s3/internal.ts';

const now = Date.UTC(2026, 10, 23, 12);
const region = 'eu-west-1';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalr/XUtn+FEMI', sessionToken: 'tok/en+==' };
const bucket = 'user-content';
const endpoint = 'http://store.test:9000';

/** Without control characters, surrogates and dot segments, which URL parsers and Waybill refuse. */
const key = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(...' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~aé€😀'), minLength: 1, maxLength: 40 }),
  )
  .filter((text) => !/\p{Cc}|\p{Cs}|\$\{|(^|\/)\.{0,2}(\/|$)/u.test(text));

interface SdkRequest {
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
}

/** The request that the SDK would send. The clock is replaced, because the SDK reads the time of the system. */
function captured(request: SdkRequest): RequestToVerify {
  const rawQuery = Object.entries(request.query ?? {})
    .map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(String(value ?? ''))}`)
    .join('&');
  return { method: request.method, rawPath: request.path, rawQuery, headers: request.headers };
}

function createSdk(requests: SdkRequest[]): S3Client {
  return new S3Client({
    region,
    endpoint,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: {
      handle(request: SdkRequest) {
        requests.push(request);
        return Promise.reject(new Error('far enough'));
      },
    },
  });
}

const verify = (request: RequestToVerify, at = now) =>
  verifyRequest(request, { lookup: () => credentials, now: at, region });

it('every request that the SDK signs by header verifies', async () => {
  await fc.assert(
    fc.asyncProperty(
      key,
      fc.string({ maxLength: 20 }).filter((text) => !/\p{Cc}/u.test(text)),
      async (key, prefix) => {
        const requests: SdkRequest[] = [];
        const client = createSdk(requests);
        const Bucket = bucket;
        await Promise.allSettled([
          client.send(new GetObjectCommand({ Bucket, Key: key, Range: 'bytes=0-9' })),
          client.send(
            new PutObjectCommand({ Bucket, Key: key, Body: 'abc', IfNoneMatch: '*', Metadata: { a: 'b  c' } }),
          ),
          client.send(new CopyObjectCommand({ Bucket, Key: key, CopySource: `${bucket}/${encodeKey(key)}` })),
          client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, Delimiter: '/', EncodingType: 'url' })),
          client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: key }] } })),
        ]);
        client.destroy();
        expect(requests).toHaveLength(5);
        // The SDK escapes keys as Waybill does.
        expect(requests[0]?.path).toBe(`/${bucket}/${encodeKey(key)}`);
        for (const request of requests) expect(verify(captured(request), Date.now()).kind).toBe('header');
      },
    ),
    { numRuns: 60 },
  );
});

it('every URL that the SDK presigns verifies', async () => {
  const client = createSdk([]);
  await fc.assert(
    fc.asyncProperty(key, async (key) => {
      for (const command of [
        new GetObjectCommand({ Bucket: bucket, Key: key, ResponseContentDisposition: 'attachment; filename="a b"' }),
        new PutObjectCommand({ Bucket: bucket, Key: key, ContentType: 'image/png', IfNoneMatch: '*' }),
      ]) {
        const url = await getSignedUrl(client as never, command as never, {
          signingDate: new Date(now),
          expiresIn: 60,
        });
        const [, host = '', rawPath = '', rawQuery = ''] = /^http:\/\/([^/]+)([^?]*)\?(.*)$/.exec(url) ?? [];
        const method = command instanceof PutObjectCommand ? 'PUT' : 'GET';
        expect(verify({ method, rawPath, rawQuery, headers: { host, 'if-none-match': '*' } }).kind).toBe('query');
      }
    }),
    { numRuns: 60 },
  );
});

describe('Waybill and the SDK presign the same URL', () => {
  const presigner = new S3RequestPresigner(createSdk([]).config as never);

  /** Configured to sign headers that it would move to the query, and to omit what S3 does not need. */
  async function bySdk(
    method: string,
    url: string,
    headers: Record<string, string>,
    expiresIn: number,
  ): Promise<string> {
    const { hostname, port, pathname, searchParams } = new URL(url);
    const own = [...searchParams].filter(([name]) => !name.startsWith('X-Amz-'));
    const names = Object.keys(headers);
    const signed = await presigner.presign(
      {
        method,
        protocol: 'http:',
        hostname,
        ...(port ? { port: Number(port) } : {}),
        path: pathname,
        query: Object.fromEntries(own),
        headers: { ...headers, host: port ? `${hostname}:${port}` : hostname },
      } as never,
      {
        expiresIn,
        signingDate: new Date(now),
        signableHeaders: new Set([...names, 'host', 'content-type']),
        unsignableHeaders: new Set(['x-amz-content-sha256']),
        unhoistableHeaders: new Set([...names, 'x-amz-content-sha256']),
      },
    );
    return String((signed.query as Record<string, string>)['X-Amz-Signature']);
  }

  const signatureOf = (url: string) => new URL(url).searchParams.get('X-Amz-Signature');

  it('for any key, with everything bound', async () => {
    await fc.assert(
      fc.asyncProperty(
        key,
        fc.boolean(),
        fc.integer({ min: 1, max: 604_800 }),
        async (key, pathStyle, expiresInSeconds) => {
          const storage = s3Storage({
            capabilities: 'aws',
            bucket,
            region,
            endpoint,
            pathStyle,
            credentials,
            now: () => now,
          });
          const put = storage.presignPut({
            key,
            size: 3,
            contentType: 'image/jpeg',
            checksum: { algorithm: 'sha256', value: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=' },
            metadata: { waybill: 'receipt', a: 'b' },
            expiresInSeconds,
          });
          expect(signatureOf(put.url)).toBe(await bySdk('PUT', put.url, put.headers, expiresInSeconds));
          const contentDisposition = `attachment; filename*=UTF-8''${encodeComponent(key)}`;
          const get = storage.presignGet({
            key,
            expiresInSeconds,
            contentDisposition,
            contentType: 'image/jpeg',
            cacheControl: 'no-store',
          });
          expect(signatureOf(get.url)).toBe(await bySdk('GET', get.url, {}, expiresInSeconds));
          const head = storage.presignHead({ key, expiresInSeconds });
          expect(signatureOf(head.url)).toBe(await bySdk('HEAD', head.url, {}, expiresInSeconds));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('for any part, by its own number, length and bytes, on any host', async () => {
    const other = 'http://user-content.other.test:9000';
    await fc.assert(
      fc.asyncProperty(
        key,
        // Upload ids of S3 are URL-safe; those of other storages may not be.
        fc.string({ unit: fc.constantFrom(...'abcXYZ019._~-+/=%&'), minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 5 * 1024 ** 3 }),
        fc.constantFrom('sha256', 'md5', undefined),
        fc.constantFrom(0, 1),
        async (key, multipartId, partNumber, size, algorithm, host) => {
          const storage = s3Storage({
            capabilities: 'aws',
            bucket,
            region,
            endpoint,
            publicEndpoint: [endpoint, other],
            credentials,
            now: () => now,
          });
          const value =
            algorithm === 'md5' ? 'kAFQmDzST7DWlj99KOF/cg==' : 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=';
          const part = storage.presignPart({
            key,
            multipartId,
            partNumber,
            size,
            ...(algorithm ? { checksum: { algorithm, value } } : {}),
            expiresInSeconds: 900,
            host,
          });
          expect(new URL(part.url).origin).toBe(storage.publicOrigins[host]);
          expect(part.headers).toEqual({
            'content-length': String(size),
            ...(algorithm === 'md5' ? { 'content-md5': value } : {}),
            ...(algorithm === 'sha256' ? { 'x-amz-checksum-sha256': value } : {}),
          });
          const query = new URL(part.url).searchParams;
          expect([query.get('partNumber'), query.get('uploadId')]).toEqual([String(partNumber), multipartId]);
          expect(signatureOf(part.url)).toBe(await bySdk('PUT', part.url, part.headers, 900));
        },
      ),
      { numRuns: 200 },
    );
  });
});

it('Waybill and the SDK presign the same part', async () => {
  const client = createSdk([]);
  await fc.assert(
    fc.asyncProperty(key, fc.integer({ min: 1, max: 10_000 }), async (key, PartNumber) => {
      const UploadId = 'VXBsb2FkIElE';
      const command = new UploadPartCommand({ Bucket: bucket, Key: key, UploadId, PartNumber, ContentLength: 7 });
      const url = await getSignedUrl(client as never, command as never, {
        signingDate: new Date(now),
        expiresIn: 60,
        signableHeaders: new Set(['host', 'content-length']),
        unhoistableHeaders: new Set(['content-length']),
      });
      const [, host = '', rawPath = '', rawQuery = ''] = /^http:\/\/([^/]+)([^?]*)\?(.*)$/.exec(url) ?? [];
      const verified = verify({ method: 'PUT', rawPath, rawQuery, headers: { host, 'content-length': '7' } });
      expect(verified.kind).toBe('query');
      const storage = s3Storage({ capabilities: 'aws', bucket, region, endpoint, credentials, now: () => now });
      const ours = storage.presignPart({
        key,
        multipartId: UploadId,
        partNumber: PartNumber,
        size: 7,
        expiresInSeconds: 60,
      });
      expect(new URL(ours.url).pathname).toBe(rawPath);
    }),
    { numRuns: 60 },
  );
});

it('a form that the SDK signs verifies', async () => {
  const client = createSdk([]);
  // A placeholder of S3, not of JavaScript.
  const Key = ['incoming/$', '{filename}'].join('');
  const { fields } = await createPresignedPost(client as never, {
    Bucket: bucket,
    Key,
    Conditions: [
      ['content-length-range', 1, 10],
      ['starts-with', '$Content-Type', 'image/'],
    ],
    Fields: { 'Content-Type': 'image/png' },
    Expires: 60,
  });
  const verified = verifyPolicy({
    fields: Object.entries({ ...fields, key: Key }),
    bucket,
    lookup: () => credentials,
    now: Date.now(),
    region,
  });
  expect(verified.contentLengthRange).toEqual({ min: 1, max: 10 });
});

it('requests of the server have the signature of the SDK', async () => {
  const sent: { url: string; init: RequestInit }[] = [];
  const answer = (url: string, init: RequestInit) => {
    sent.push({ url, init });
    return Promise.resolve(new Response('', { headers: { etag: '"e"', 'content-length': '0' } }));
  };
  const storage = s3Storage({
    capabilities: 'aws',
    bucket,
    region,
    endpoint,
    credentials,
    now: () => now,
    retries: 0,
    fetch: answer as typeof fetch,
  });
  await fc.assert(
    fc.asyncProperty(key, async (key) => {
      sent.length = 0;
      await storage.put({ key, body: 'abc', contentType: 'text/plain', metadata: { a: 'b' }, ifNoneMatch: '*' });
      await storage.head(key);
      await storage.delete(key);
      await storage
        .copy({ from: key, to: key, contentType: 'text/plain', sourceEtag: '"e"', once: true })
        .catch(() => {});
      await storage.list({ prefix: key, continuationToken: key }).catch(() => {});
      const multipart = { key, multipartId: 'a+b/c=~' };
      const part = { partNumber: 1, size: 1, etag: '"e"', checksums: {} };
      await storage.createMultipart({ key, contentType: 'text/plain', checksumAlgorithm: 'sha256' }).catch(() => {});
      await storage.listParts(key, multipart.multipartId).catch(() => {});
      await storage.completeMultipart({ ...multipart, parts: [part], size: 1 }).catch(() => {});
      await storage.abortMultipart(key, multipart.multipartId);
      const next = { keyMarker: key, multipartIdMarker: 'a+b' };
      await storage.listMultiparts({ prefix: key, next }).catch(() => {});
      const copied = { from: key, to: key, multipartId: 'a+b', partNumber: 7, range: [0, 9] as const };
      await storage.copyPart({ ...copied, sourceEtag: '"e"' }).catch(() => {});
      expect(sent).toHaveLength(11);
      const client = createSdk([]);
      const signer = (await (client.config as never as { signer(): Promise<Signer> }).signer()) as Signer;
      for (const { url, init } of sent) {
        const { hostname, port, pathname, searchParams } = new URL(url);
        const { authorization, ...headers } = init.headers as Record<string, string>;
        const signed = await signer.sign(
          {
            method: String(init.method),
            protocol: 'http:',
            hostname,
            port: Number(port),
            path: pathname,
            query: Object.fromEntries(searchParams),
            headers: { ...headers, host: `${hostname}:${port}` },
          },
          {
            signingDate: new Date(now),
            signingRegion: region,
            signingService: 's3',
            signableHeaders: new Set(Object.keys(headers)),
          },
        );
        expect(signed.headers.authorization).toBe(authorization);
      }
      client.destroy();
    }),
    { numRuns: 30 },
  );
});

interface Signer {
  sign(request: object, options: object): Promise<{ headers: Record<string, string> }>;
}
