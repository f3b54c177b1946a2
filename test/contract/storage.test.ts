/**
 * Every operation of `Storage` on every store. What a storage must refuse is tested in test/attacks.
 */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { isWaybillError } from '../../src/protocol/index.ts';
import { capabilityPresets, isS3Error } from '../../src/s3/index.ts';
import { hostileNames } from '../support/fixtures.ts';
import { checksumOf, sendPresigned } from '../support/send.ts';
import { forEachStore, openCors } from '../support/stores.ts';

forEachStore('storage', (store) => {
  const text = async (body: ReadableStream<Uint8Array> | undefined) => body && new Response(body).text();
  const uniqueKey = (name = 'object') => `contract/${randomUUID()}/${name}`;

  it('a storage has the properties of its options', () => {
    const storage = store.storage();
    expect(storage.bucket).toBe(store.bucket);
    expect(storage.region).toBe(store.region);
    expect(storage.publicOrigin).toBe(store.endpoint);
    expect(storage.capabilities).toEqual(capabilityPresets[store.preset]);
    expect(storage.ready()).toBeUndefined();
  });

  it('put() stores an object, and head() and get() return it', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    const { etag } = await storage.put({
      key,
      body: 'a letter',
      contentType: 'text/plain',
      metadata: { waybill: 'sealed', 'second-one': 'b' },
      cacheControl: 'private, max-age=60',
      contentDisposition: 'attachment; filename="letter.txt"',
    });
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    const info = await storage.head(key);
    expect(info).toMatchObject({
      key,
      size: 8,
      contentType: 'text/plain',
      etag,
      metadata: { waybill: 'sealed', 'second-one': 'b' },
      cacheControl: 'private, max-age=60',
      contentDisposition: 'attachment; filename="letter.txt"',
    });
    expect(Math.abs(Date.parse(info?.lastModified ?? '') - Date.now())).toBeLessThan(60_000);
    const got = await storage.get(key);
    expect(await text(got?.body)).toBe('a letter');
    expect(got?.info).toMatchObject({ key, size: 8, contentType: 'text/plain', etag });
  });

  it('put() replaces an object, except with ifNoneMatch or another ifMatch', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    const { etag } = await storage.put({ key, body: 'first' });
    await storage.put({ key, body: 'second' });
    await expect(storage.put({ key, body: 'third', ifNoneMatch: '*' })).rejects.toMatchObject({ status: 412 });
    await expect(storage.put({ key, body: 'third', ifMatch: etag })).rejects.toMatchObject({ status: 412 });
    expect(await text((await storage.get(key))?.body)).toBe('second');
    await storage.put({ key, body: 'third', ifMatch: (await storage.head(key))?.etag ?? '' });
    expect(await text((await storage.get(key))?.body)).toBe('third');
  });

  it('put() with ifNoneMatch creates an object for one of many calls at once', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    const attempts = Array.from({ length: 12 }, (_, index) =>
      storage.put({ key, body: `number ${index}`, ifNoneMatch: '*' }).then(
        () => index,
        (error: unknown) => {
          if (!isS3Error(error) || ![409, 412].includes(error.status)) throw error;
          return undefined;
        },
      ),
    );
    const created = (await Promise.all(attempts)).filter((index) => index !== undefined);
    expect(created).toHaveLength(1);
    expect(await text((await storage.get(key))?.body)).toBe(`number ${created[0]}`);
  });

  it('put() stores an empty object', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    await storage.put({ key, body: '' });
    expect((await storage.head(key))?.size).toBe(0);
    const got = await storage.get(key);
    expect(got?.info.size).toBe(0);
    expect(await text(got?.body)).toBe('');
  });

  it('get() returns a range and the size of the object', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    const { etag } = await storage.put({ key, body: '0123456789' });
    const middle = await storage.get(key, { range: [2, 4], ifMatch: etag });
    expect(await text(middle?.body)).toBe('234');
    expect(middle?.info.size).toBe(10);
    const beyond = await storage.get(key, { range: [8, 4095] });
    expect(await text(beyond?.body)).toBe('89');
    await expect(storage.get(key, { range: [10, 12] })).rejects.toMatchObject({ status: 416 });
    await expect(storage.get(key, { ifMatch: `"${'0'.repeat(32)}"` })).rejects.toMatchObject({ status: 412 });
  });

  it('get() stops when its signal aborts', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    await storage.put({ key, body: new Uint8Array(4 * 1024 ** 2) });
    const controller = new AbortController();
    const got = await storage.get(key, { signal: controller.signal });
    const reader = got?.body.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    controller.abort();
    await expect(
      (async () => {
        while (!(await reader?.read())?.done);
      })(),
    ).rejects.toThrow();
    await expect(storage.get(key, { signal: AbortSignal.abort() })).rejects.toThrow();
  });

  it('head() and get() return null for a missing object', async () => {
    const storage = store.storage();
    expect(await storage.head(uniqueKey())).toBeNull();
    expect(await storage.get(uniqueKey())).toBeNull();
    expect(await storage.get(uniqueKey(), { range: [0, 10] })).toBeNull();
  });

  it('delete() deletes an object, and succeeds for a missing one', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    await storage.put({ key, body: 'gone soon' });
    await storage.delete(key);
    expect(await storage.head(key)).toBeNull();
    await storage.delete(key);
  });

  it('deleteMany() deletes more keys than one request accepts', async () => {
    const storage = store.storage();
    const prefix = `contract/${randomUUID()}/`;
    const keys = Array.from({ length: 1005 }, (_, index) => `${prefix}${index}&<>"'`);
    const [first = '', last = ''] = [keys[0], keys.at(-1)];
    await storage.put({ key: first, body: 'a' });
    await storage.put({ key: last, body: 'b' });
    expect(await storage.deleteMany(keys)).toEqual([]);
    expect((await storage.list({ prefix })).objects).toEqual([]);
    expect(await storage.deleteMany([])).toEqual([]);
  });

  it('list() returns pages by prefix, in order', async () => {
    const storage = store.storage();
    const prefix = `contract/${randomUUID()}/`;
    const names = ['a', 'b+c', 'd e', 'f%2fg', 'h&<i>', 'ü', '🚢'];
    await Promise.all(names.map((name) => storage.put({ key: prefix + name, body: name })));
    await storage.put({ key: `${prefix.slice(0, -1)}-sibling`, body: 'not listed' });
    const listed = [];
    let continuationToken: string | undefined;
    do {
      const page = await storage.list({ prefix, maxKeys: 3, ...(continuationToken ? { continuationToken } : {}) });
      expect(page.objects.length).toBeLessThanOrEqual(3);
      listed.push(...page.objects);
      continuationToken = page.continuationToken;
    } while (continuationToken);
    expect(listed.map(({ key }) => key.slice(prefix.length))).toEqual(names);
    for (const [index, name] of names.entries()) {
      expect(listed[index]).toMatchObject({
        size: Buffer.byteLength(name),
        etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      });
      expect(Date.parse(listed[index]?.lastModified ?? '')).toBeGreaterThan(Date.now() - 60_000);
    }
    expect(await storage.list({ prefix: `${prefix}nothing/` })).toEqual({ objects: [] });
  });

  it('copy() replaces all metadata of the object', async () => {
    const storage = store.storage();
    const [from, to] = [uniqueKey('from &+% ü'), uniqueKey('to &+% ü')];
    const { etag } = await storage.put({
      key: from,
      body: 'the same bytes',
      contentType: 'text/html',
      metadata: { sender: 'said' },
      cacheControl: 'public',
      contentDisposition: 'inline',
    });
    const copied = await storage.copy({
      from,
      to,
      sourceEtag: etag,
      once: true,
      contentType: 'text/plain',
      metadata: { server: 'says' },
    });
    const info = await storage.head(to);
    expect(info).toMatchObject({
      size: 14,
      contentType: 'text/plain',
      metadata: { server: 'says' },
      etag: copied.etag,
    });
    expect(info?.metadata).not.toHaveProperty('sender');
    // fetch adds no-cache to requests with If-None-Match
    // (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch).
    expect([undefined, 'no-cache']).toContain(info?.cacheControl);
    expect(info).not.toHaveProperty('contentDisposition');
    expect(await text((await storage.get(to))?.body)).toBe('the same bytes');
    expect(await storage.head(from)).not.toBeNull();
  });

  it('copy() of a missing object fails with 404', async () => {
    const copy = { from: uniqueKey(), to: uniqueKey(), contentType: 'text/plain' };
    const refused = await store
      .storage()
      .copy(copy)
      .catch((error: unknown) => error);
    expect(isS3Error(refused) && refused.status).toBe(404);
  });

  it('presignPut() signs a request that stores exactly what was signed', async () => {
    const storage = store.storage();
    const key = uniqueKey('photo ü+%.png');
    const bytes = 'signed bytes';
    const algorithm = storage.capabilities.checksums[0] ?? 'md5';
    const request = storage.presignPut({
      key,
      size: bytes.length,
      contentType: 'image/png',
      checksum: checksumOf(algorithm, bytes),
      metadata: { waybill: 'sealed' },
      expiresInSeconds: 60,
    });
    expect(request.method).toBe('PUT');
    expect(Math.abs(Date.parse(request.expiresAt) - Date.now() - 60_000)).toBeLessThan(5_000);
    expect((await sendPresigned(request, bytes)).status).toBe(200);
    const info = await storage.head(key);
    expect(info).toMatchObject({ size: bytes.length, contentType: 'image/png', metadata: { waybill: 'sealed' } });
    if (algorithm !== 'md5') expect(info?.checksums[algorithm]).toBe(checksumOf(algorithm, bytes).value);
    expect((await sendPresigned(request, bytes)).status).toBe(412);
  });

  it('presignForm() signs a form that stores exactly what was signed', async () => {
    const storage = store.storage();
    const key = uniqueKey('photo ü+%.png');
    const bytes = 'signed bytes';
    const [algorithm] = storage.capabilities.postChecksums;
    const request = storage.presignForm({
      key,
      size: bytes.length,
      contentType: 'image/png',
      ...(algorithm ? { checksum: checksumOf(algorithm, bytes) } : {}),
      metadata: { waybill: 'sealed' },
      expiresInSeconds: 60,
    });
    expect(request.method).toBe('POST');
    expect((await sendPresigned(request, bytes)).status).toBe(204);
    expect(await storage.head(key)).toMatchObject({
      size: bytes.length,
      contentType: 'image/png',
      metadata: { waybill: 'sealed' },
    });
  });

  it('presignGet() signs the headers of the answer', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    await storage.put({ key, body: '<b>hi</b>', contentType: 'text/html', contentDisposition: 'inline' });
    const request = storage.presignGet({
      key,
      expiresInSeconds: 60,
      contentType: 'application/octet-stream',
      contentDisposition: `attachment; filename="a b.txt"; filename*=UTF-8''a%20%C3%BC.txt`,
      cacheControl: 'private, max-age=300',
    });
    const { status, headers, text } = await sendPresigned(request);
    expect([status, text]).toEqual([200, '<b>hi</b>']);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('content-disposition')).toBe(`attachment; filename="a b.txt"; filename*=UTF-8''a%20%C3%BC.txt`);
    expect(headers.get('cache-control')).toBe('private, max-age=300');
    const ranged = await sendPresigned(request, null, { range: 'bytes=1-1' });
    expect([ranged.status, ranged.text]).toEqual([206, 'b']);
  });

  it('presignGet() returns the same URL for the same signing time', () => {
    const storage = store.storage();
    const at = { key: 'a', expiresInSeconds: 60, signedAt: Math.floor(Date.now() / 1000) * 1000 };
    expect(storage.presignGet(at)).toEqual(storage.presignGet(at));
  });

  it('presignHead() signs a HEAD', async () => {
    const storage = store.storage();
    const key = uniqueKey();
    await storage.put({ key, body: 'seven b' });
    const { status, headers } = await sendPresigned(storage.presignHead({ key, expiresInSeconds: 60 }));
    expect(status).toBe(200);
    expect(headers.get('content-length')).toBe('7');
  });

  it('an expired request is refused', async () => {
    const anHourAgo = store.storage({ now: () => Date.now() - 3_600_000 });
    const key = uniqueKey();
    await store.storage().put({ key, body: 'there' });
    expect((await sendPresigned(anHourAgo.presignGet({ key, expiresInSeconds: 60 }))).status).toBe(403);
    const put = anHourAgo.presignPut({ key: uniqueKey(), size: 2, contentType: 'text/plain', expiresInSeconds: 60 });
    expect((await sendPresigned(put, 'hi')).status).toBe(403);
    const form = anHourAgo.presignForm({ key: uniqueKey(), size: 2, contentType: 'text/plain', expiresInSeconds: 60 });
    expect((await sendPresigned(form, 'hi')).status).toBe(403);
  });

  it('every key that can be signed is stored byte for byte', async () => {
    const storage = store.storage();
    const prefix = `contract/${randomUUID()}/`;
    const keys: string[] = [];
    for (const name of ['a b', 'a+b', 'a%20b', '%', '\u00fc', 'u\u0308', '漢字', "!*'()~;:@=,$&", ...hostileNames]) {
      const key = prefix + name;
      let request: ReturnType<typeof storage.presignPut>;
      try {
        request = storage.presignPut({ key, size: 2, contentType: 'text/plain', expiresInSeconds: 60 });
      } catch (error) {
        // A key may be refused before it is signed.
        expect(isWaybillError(error), name).toBe(true);
        continue;
      }
      expect(await sendPresigned(request, 'hi'), name).toMatchObject({ status: 200 });
      keys.push(key);
    }
    expect(keys.length).toBeGreaterThanOrEqual(12);
    const { objects } = await storage.list({ prefix });
    expect(objects.map(({ key }) => key).sort()).toEqual([...keys].sort());
    for (const key of keys) expect((await storage.head(key))?.size, key).toBe(2);
    expect(await storage.deleteMany(keys)).toEqual([]);
  });

  it('an error names the cause without the credentials', async () => {
    const { accessKeyId } = store.credentials;
    const secretAccessKey = 'not-the-right-secret-at-all';
    const wrongSecret = store.storage({ credentials: { accessKeyId, secretAccessKey } });
    const refused = await wrongSecret.put({ key: uniqueKey(), body: 'hi' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    expect(String(refused)).not.toContain(secretAccessKey);
    const missingBucket = store.storage({ bucket: `waybill-${randomUUID()}` });
    await expect(missingBucket.list({ prefix: '' })).rejects.toMatchObject({ status: 404, code: 'NoSuchBucket' });
    await expect(missingBucket.head('a')).resolves.toBeNull();
  });

  it('an error of a connection names the option to check', async () => {
    const unreachable = store.storage({ endpoint: 'http://127.0.0.1:9', timeoutMs: 2_000 });
    const error = await unreachable.head('a').catch((reason: unknown) => reason);
    expect(isWaybillError(error) && error.code).toBe('storage_rejected');
    expect(error).toMatchObject({ message: expect.stringContaining('Check `endpoint`') });
  });

  it('preflights are answered by the CORS rules of the bucket', async () => {
    const preflight = async () => {
      const request = store
        .storage()
        .presignPut({ key: uniqueKey(), size: 2, contentType: 'a/b', expiresInSeconds: 60 });
      const response = await fetch(request.url, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://page.example',
          'access-control-request-method': 'PUT',
          'access-control-request-headers': 'content-type,if-none-match',
        },
      });
      await response.body?.cancel();
      return response;
    };
    const open = await preflight();
    expect(open.status).toBe(200);
    expect(open.headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/page\.example)$/);
    expect(open.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('if-none-match');
    try {
      await store.setCors([
        { AllowedOrigins: ['https://other.example'], AllowedMethods: ['PUT'], AllowedHeaders: ['*'] },
      ]);
      expect((await preflight()).headers.get('access-control-allow-origin')).toBeNull();
      await store.setCors([]);
      expect((await preflight()).headers.get('access-control-allow-origin')).toBeNull();
    } finally {
      await store.setCors(openCors);
    }
  });
});
