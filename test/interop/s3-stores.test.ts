/** src/s3 with real storages: they accept our signed requests, and we read their answers. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PresignedRequest } from '../../src/protocol/index.ts';
import { isS3Error, type Storage } from '../../src/s3/index.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';

const body = Buffer.from('hello, store');
const md5Of = (bytes: Uint8Array) =>
  ({ algorithm: 'md5', value: createHash('md5').update(bytes).digest('base64') }) as const;
const sha256Of = (bytes: Uint8Array) =>
  ({ algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('base64') }) as const;

/** Sends a request as any client would: with its headers, and with the length from fetch. */
/**
 * Sends a request, and again when its connection broke: a server may close a connection that was kept alive at the
 * moment at which it is used again (RFC 9112, section 9.3.1).
 */
function send(request: PresignedRequest, bytes: Uint8Array = body): Promise<Response> {
  return sendOnce(request, bytes).catch((error) => {
    if (error.cause?.code !== 'ECONNRESET') throw error;
    return sendOnce(request, bytes);
  });
}

function sendOnce(request: PresignedRequest, bytes: Uint8Array): Promise<Response> {
  const { 'content-length': _, ...headers } = request.headers;
  if (!request.fields)
    return fetch(request.url, {
      method: request.method,
      headers,
      ...(request.method === 'PUT' ? { body: bytes as Uint8Array<ArrayBuffer> } : {}),
    });
  const form = new FormData();
  for (const [name, value] of Object.entries(request.fields)) form.append(name, value);
  form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]));
  return fetch(request.url, { method: 'POST', body: form });
}

/** The checksum that this storage verifies for a file. */
const checksumFor = (storage: Storage, bytes: Uint8Array, post = false) =>
  (post ? storage.capabilities.postChecksums : storage.capabilities.checksums).includes('sha256')
    ? sha256Of(bytes)
    : md5Of(bytes);

let counter = 0;
const freshKey = () => `s3/${Date.now().toString(36)}-${counter++}`;

const hostileKeys = [
  'a b+c/ü%2F?#&=;\'"()*!,:@$[]{}|\\^`~<>',
  '%2e%2e/etc/passwd',
  '...',
  'a\\..\\b',
  '日本語/😀.jpg',
  'trailing ',
  ' leading',
  'quote".txt',
];

forEachStore('s3', (store: TestStore) => {
  describe('a presigned PUT', () => {
    it('stores the signed bytes once', async () => {
      const storage = store.storage();
      const key = freshKey();
      const request = storage.presignPut({
        key,
        size: body.length,
        contentType: 'text/plain',
        checksum: checksumFor(storage, body),
        metadata: { waybill: 'receipt' },
        expiresInSeconds: 60,
      });
      const first = await send(request);
      expect(first.status, await first.text()).toBe(200);
      const second = await send(request);
      expect(second.status).toBe(412);
      await second.body?.cancel();
      const info = await storage.head(key);
      expect(info).toMatchObject({ size: body.length, contentType: 'text/plain', metadata: { waybill: 'receipt' } });
      expect(info?.checksums.sha256).toBe(storage.capabilities.checksums.length ? sha256Of(body).value : undefined);
    });

    it.each(hostileKeys)('stores %j under exactly this key', async (name) => {
      const storage = store.storage();
      const key = `${freshKey()}/${name}`;
      const request = storage.presignPut({ key, size: body.length, contentType: 'text/plain', expiresInSeconds: 60 });
      const answer = await send(request);
      expect(answer.status, await answer.text()).toBe(200);
      const { objects } = await storage.list({ prefix: key });
      expect(objects.map((object) => object.key)).toEqual([key]);
      const got = await fetch(storage.presignGet({ key, expiresInSeconds: 60 }).url);
      expect(Buffer.from(await got.arrayBuffer())).toEqual(body);
    });

    it.each<[string, (request: PresignedRequest) => Promise<Response>]>([
      ['other bytes of the same length', (request) => send(request, Buffer.from('hello, stole'))],
      ['one byte more', (request) => send(request, Buffer.from('hello, store!'))],
      ['one byte fewer', (request) => send(request, body.subarray(1))],
      ['another type', (request) => send({ ...request, headers: { ...request.headers, 'content-type': 'text/html' } })],
      [
        'a later expiry',
        (request) => send({ ...request, url: request.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61') }),
      ],
      ['a sub-resource', (request) => send({ ...request, url: `${request.url}&acl` })],
      ['another method', (request) => fetch(request.url)],
    ])('does not store %s', async (_what, attempt) => {
      const storage = store.storage();
      const key = freshKey();
      const request = storage.presignPut({
        key,
        size: body.length,
        contentType: 'text/plain',
        checksum: checksumFor(storage, body),
        expiresInSeconds: 60,
      });
      const answer = await attempt(request);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      await answer.body?.cancel();
      expect(await storage.head(key)).toBeNull();
    });
  });

  describe('a form', () => {
    it('stores the signed bytes', async () => {
      const storage = store.storage();
      const key = `${freshKey()}/${hostileKeys[0]}`;
      const checksum = checksumFor(storage, body, true);
      const canBind = checksum.algorithm === 'sha256' || storage.capabilities.postContentMd5;
      const request = storage.presignForm({
        key,
        size: body.length,
        contentType: 'text/plain',
        ...(canBind ? { checksum } : {}),
        metadata: { waybill: 'receipt' },
        expiresInSeconds: 60,
      });
      const answer = await send(request);
      expect(answer.status, await answer.text()).toBe(204);
      expect(await storage.head(key)).toMatchObject({
        size: body.length,
        contentType: 'text/plain',
        metadata: { waybill: 'receipt' },
      });
      const longer = await send({ ...request, fields: { ...request.fields } }, Buffer.from('hello, store!'));
      expect(longer.status).toBe(400);
      await longer.body?.cancel();
      const other = await send({ ...request, fields: { ...request.fields, key: `${key}2` } });
      expect(other.status).toBe(403);
      await other.body?.cancel();
      expect(await storage.head(`${key}2`)).toBeNull();
      if (!canBind) return;
      const wrong = await send(request, Buffer.from('hello, stole'));
      expect(wrong.status).toBe(400);
      await wrong.body?.cancel();
      const got = await storage.get(key);
      expect(await new Response(got?.body).text()).toBe(body.toString());
    });
  });

  describe('a presigned GET', () => {
    it('answers with the overrides that were signed', async () => {
      const storage = store.storage();
      const key = freshKey();
      await storage.put({ key, body, contentType: 'text/plain' });
      const { url } = storage.presignGet({
        key,
        expiresInSeconds: 60,
        contentType: 'application/octet-stream',
        contentDisposition: `attachment; filename="a b.txt"; filename*=UTF-8''%C3%A9.txt`,
        cacheControl: 'private, max-age=60',
      });
      const answer = await fetch(url, { headers: { range: 'bytes=0-4' } });
      expect(answer.status).toBe(206);
      expect(await answer.text()).toBe('hello');
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="a b.txt"; filename*=UTF-8''%C3%A9.txt`,
        'cache-control': 'private, max-age=60',
      });
      const other = await fetch(url.replace('octet-stream', 'octet-strean'));
      expect(other.status).toBe(403);
      await other.body?.cancel();
    });

    it('answers HEAD only when HEAD was signed', async () => {
      const storage = store.storage();
      const key = freshKey();
      await storage.put({ key, body });
      const { url } = storage.presignHead({ key, expiresInSeconds: 60 });
      expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
      const got = await fetch(url);
      expect(got.status).toBe(403);
      await got.body?.cancel();
    });
  });

  describe('operations', () => {
    it('put, head, get, ranged get, delete', async () => {
      const storage = store.storage();
      const key = `${freshKey()}/${hostileKeys[0]}`;
      const { etag } = await storage.put({
        key,
        body: 'hello, store',
        contentType: 'text/plain',
        metadata: { b: 'two  words'.replace('  ', ' '), a: '1' },
        cacheControl: 'no-cache',
        contentDisposition: 'attachment',
      });
      const info = await storage.head(key);
      expect(info).toMatchObject({
        key,
        size: 12,
        contentType: 'text/plain',
        etag,
        metadata: { a: '1', b: 'two words' },
        cacheControl: 'no-cache',
        contentDisposition: 'attachment',
      });
      expect(Number.isNaN(Date.parse(info?.lastModified ?? ''))).toBe(false);
      const whole = await storage.get(key, { ifMatch: etag });
      expect(await new Response(whole?.body).text()).toBe('hello, store');
      const part = await storage.get(key, { range: [7, 8] });
      expect(part?.info.size).toBe(12);
      expect(await new Response(part?.body).text()).toBe('st');
      await expect(storage.get(key, { ifMatch: '"other"' })).rejects.toMatchObject({ status: 412 });
      await storage.delete(key);
      await storage.delete(key);
      expect(await storage.head(key)).toBeNull();
      expect(await storage.get(key)).toBeNull();
    });

    it('put conditionally', async () => {
      const storage = store.storage();
      const key = freshKey();
      const { etag } = await storage.put({ key, body: 'a', ifNoneMatch: '*' });
      // fetch adds a cache header to a conditional request.
      expect(await storage.head(key)).not.toHaveProperty('cacheControl');
      await expect(storage.put({ key, body: 'b', ifNoneMatch: '*' })).rejects.toMatchObject({
        status: 412,
        code: 'PreconditionFailed',
      });
      await expect(
        storage.put({ key, body: 'b', ifMatch: '"00000000000000000000000000000000"' }),
      ).rejects.toMatchObject({ status: 412 });
      await storage.put({ key, body: 'c', ifMatch: etag });
      expect(await new Response((await storage.get(key))?.body).text()).toBe('c');
    });

    it('put an empty object', async () => {
      const storage = store.storage();
      const key = freshKey();
      await storage.put({ key, body: '' });
      expect(await storage.head(key)).toMatchObject({ size: 0 });
      const got = await storage.get(key);
      expect(await new Response(got?.body).text()).toBe('');
    });

    it('copy an object and replace its metadata', async () => {
      const storage = store.storage();
      const from = `${freshKey()}/${hostileKeys[0]}`;
      const to = `${freshKey()}/${hostileKeys[4]}`;
      const { etag } = await storage.put({
        key: from,
        body,
        metadata: { waybill: 'receipt' },
        cacheControl: 'no-store',
      });
      const copy = await storage.copy({
        from,
        to,
        sourceEtag: etag,
        once: true,
        contentType: 'text/plain',
        metadata: { a: 'b' },
      });
      expect(copy.etag).toBe(etag);
      const info = await storage.head(to);
      expect(info).toMatchObject({ size: body.length, contentType: 'text/plain', metadata: { a: 'b' } });
      expect(info).not.toHaveProperty('cacheControl');

      const again = storage.copy({ from, to, once: true, contentType: 'text/html' });
      if (storage.capabilities.copyOnce) await expect(again).rejects.toMatchObject({ status: 412 });
      else await expect(again).resolves.toHaveProperty('etag');
      const stale = storage.copy({
        from,
        to: freshKey(),
        sourceEtag: '"00000000000000000000000000000000"',
        contentType: 'a/b',
      });
      if (storage.capabilities.copyPrecondition) await expect(stale).rejects.toMatchObject({ status: 412 });
      else await expect(stale).resolves.toHaveProperty('etag');
      await expect(storage.copy({ from: freshKey(), to, contentType: 'a/b' })).rejects.toMatchObject({
        code: 'NoSuchKey',
      });
    });

    it('list page by page, and delete many', async () => {
      const storage = store.storage();
      const prefix = `${freshKey()}/`;
      const keys = [...hostileKeys, 'plus+and space', 'amp&lt;', "new'line"].map((name) => prefix + name);
      for (const key of keys) await storage.put({ key, body: 'x' });
      const seen: string[] = [];
      let continuationToken: string | undefined;
      let pages = 0;
      do {
        const page = await storage.list({ prefix, maxKeys: 3, ...(continuationToken ? { continuationToken } : {}) });
        seen.push(...page.objects.map(({ key }) => key));
        for (const object of page.objects) expect(object.size).toBe(1);
        continuationToken = page.continuationToken;
        pages++;
      } while (continuationToken);
      expect(pages).toBe(Math.ceil(keys.length / 3));
      expect([...seen].sort()).toEqual([...keys].sort());
      expect(await storage.deleteMany([...keys, `${prefix}never there`])).toEqual([]);
      expect((await storage.list({ prefix })).objects).toEqual([]);
    });

    it('fail with the code and message of the storage', async () => {
      const other = store.storage({ bucket: 'no-such-bucket-here' });
      const failure = await other.put({ key: 'a', body: 'x' }).catch((error: unknown) => error);
      expect(isS3Error(failure) && failure.code).toBe('NoSuchBucket');
      const stranger = store.storage({ credentials: { ...store.credentials, secretAccessKey: 'wrong' } });
      await expect(stranger.put({ key: 'a', body: 'x' })).rejects.toMatchObject({
        code: 'SignatureDoesNotMatch',
        status: 403,
      });
      await expect(stranger.head('a')).rejects.toMatchObject({ status: 403 });
    });

    it('sign by the clock of the storage', async () => {
      const behind = store.storage({ now: () => Date.now() - 3_600_000 });
      const key = freshKey();
      await behind.put({ key, body });
      const answer = await fetch(behind.presignGet({ key, expiresInSeconds: 60 }).url);
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
    });

    it('store any bytes under any key', async () => {
      const storage = store.storage();
      const prefix = `${freshKey()}/`;
      const name = fc
        .string({ unit: 'binary', minLength: 1, maxLength: 30 })
        .filter((text) => !/\p{Cc}|\p{Cs}|\p{Cn}|\p{Co}|\$\{|(^|\/)\.{0,2}(\/|$)/u.test(text));
      await fc.assert(
        fc.asyncProperty(name, fc.uint8Array({ maxLength: 50 }), async (name, bytes) => {
          const key = prefix + name;
          const request = storage.presignPut({
            key,
            size: bytes.length,
            contentType: 'application/octet-stream',
            checksum: checksumFor(storage, bytes),
            once: false,
            expiresInSeconds: 60,
          });
          const answer = await send(request, bytes);
          expect(answer.status, await answer.text()).toBe(200);
          const got = await storage.get(key);
          expect(Buffer.from(await new Response(got?.body).arrayBuffer())).toEqual(Buffer.from(bytes));
          expect(got?.info.size).toBe(bytes.length);
        }),
        { numRuns: 40 },
      );
    });
  });
});
