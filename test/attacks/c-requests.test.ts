/** C: presigned requests, changed and sent to the storage. Attack ids: docs/threat-model.md. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteInfo, SingleGrant } from '../../src/protocol/index.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, checksumOf, completedOf, errorOf, png, send, stagedKey, startApp } from './app.ts';

forEachStore('presigned PUT', (store) => {
  let app: App;
  beforeAll(async () => {
    app = await startApp(store);
  });
  afterAll(() => app.stop());

  async function expectRefused(upload: SingleGrant, ...rest: [Uint8Array | null, Parameters<typeof send>[2]?]) {
    const answer = await send(upload.request, ...rest);
    expect({ status: answer.status, refused: answer.status >= 400 && answer.status < 500 }).toMatchObject({
      refused: true,
    });
    expect(await app.storage.head(stagedKey(store, upload.request))).toBeNull();
  }

  it.each(['files', 'sized'])('C1 a PUT on route %s with another length, or without one, is refused', async (name) => {
    const upload = await app.grant(png, {}, { name });
    const more = Buffer.concat([png, Buffer.from('x')]);
    const length = (bytes: Uint8Array) => ({ headers: { 'content-length': String(bytes.length) } });
    await expectRefused(upload, more, length(more));
    await expectRefused(upload, png.subarray(1), length(png.subarray(1)));
    await expectRefused(upload, new Uint8Array(), { headers: { 'content-length': '0' } });
    await expectRefused(upload, png, { chunked: true });
    expect((await send(upload.request, png)).status).toBe(200);
  });

  it('C2 a PUT with other bytes of the same length is refused', async () => {
    const upload = await app.grant(png);
    const other = Buffer.from(png);
    other[other.length - 1] = (other[other.length - 1] as number) ^ 1;
    await expectRefused(upload, other);
    const { algorithm, value } = checksumOf((await app.info()).checksum ?? 'sha256', other);
    const header = algorithm === 'md5' ? 'content-md5' : `x-amz-checksum-${algorithm}`;
    await expectRefused(upload, other, { headers: { [header]: value } });
    await expectRefused(upload, other, { headers: { [header]: null } });
  });

  it('C3 a PUT with another content type, without one, or with a parameter is refused', async () => {
    const upload = await app.grant(png);
    for (const type of ['text/html', null, 'image/png; charset=utf-8'])
      await expectRefused(upload, png, { headers: { 'content-type': type } });
  });

  it('C4 a second PUT is refused, and only one of sixteen at once is stored', async () => {
    const upload = await app.grant(png);
    const answers = await Promise.all(Array.from({ length: 16 }, () => send(upload.request, png)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status !== 200 && status !== 412 && status !== 409)).toEqual([]);
    expect((await send(upload.request, png)).status).toBe(412);
    await expect(send(upload.request, png, { headers: { 'if-none-match': null } })).resolves.toMatchObject({
      status: 403,
    });
  });

  it('C5 a PUT with another key, bucket, method, subresource, parameter or header is refused', async () => {
    const upload = await app.grant(png);
    const { url } = upload.request;
    const key = stagedKey(store, upload.request);
    const urls = [
      url.replace(encodeURI(key), `${encodeURI(key)}x`),
      url.replace(`/${store.bucket}/`, `/${store.bucket}x/`),
      ...['acl', 'tagging', 'uploadId=1', 'uploads', 'partNumber=1&uploadId=1', 'x=1', 'versionId=1'].map(
        (part) => `${url}&${part}`,
      ),
      url.replace('?', '?acl&'),
    ];
    for (const changed of urls) {
      expect(changed).not.toBe(url);
      await expectRefused(upload, png, { url: changed });
    }
    for (const method of ['GET', 'DELETE', 'HEAD', 'POST'])
      await expectRefused(upload, null, { method, headers: { 'content-length': null } });
    for (const header of ['x-amz-acl', 'x-amz-storage-class', 'x-amz-copy-source', 'x-amz-tagging']) {
      // Ceph applies unsigned headers: see the next test.
      if (store.name === 'ceph' && header !== 'x-amz-copy-source') continue;
      await expectRefused(upload, png, { headers: { [header]: 'public-read' } });
    }
  });

  it('C5 an unsigned x-amz-meta header is refused, or never reaches the file', async () => {
    const upload = await app.grant(png);
    const answer = await send(upload.request, png, { headers: { 'x-amz-meta-evil': 'yes' } });
    if (app.storage.capabilities.refusesUnsignedHeaders) {
      expect(answer.status).toBe(403);
      expect(await app.storage.head(stagedKey(store, upload.request))).toBeNull();
    } else {
      const { file } = completedOf(await app.complete(upload.grant));
      expect((await app.storage.head(file.key))?.metadata).not.toHaveProperty('evil');
    }
  });

  it('C6 a PUT after expiry, with a later expiry, or with another signature is refused', async () => {
    const past = await startApp(store, {
      storage: store.storage({ now: () => Date.now() - 7200_000 }),
      now: () => Date.now() - 7200_000,
    });
    const expired = await past.grant(png);
    const old = /X-Amz-Expires=(\d+)/.exec(expired.request.url)?.[1];
    expect(Number(old)).toBeLessThan(7200);
    await expectRefused(expired, png);
    await expectRefused(expired, png, {
      url: expired.request.url.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=604800'),
    });
    await past.stop();

    const upload = await app.grant(png);
    const { url } = upload.request;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 63 }), fc.integer({ min: 1, max: 15 }), async (at, mask) => {
        const changed = url.replace(/(X-Amz-Signature=)([0-9a-f]{64})/, (_, name: string, signature: string) => {
          const digit = (Number.parseInt(signature[at] as string, 16) ^ mask).toString(16);
          return name + signature.slice(0, at) + digit + signature.slice(at + 1);
        });
        expect(changed).not.toBe(url);
        expect((await send(upload.request, png, { url: changed })).status).toBe(403);
      }),
      { numRuns: 200 },
    );
    expect(await app.storage.head(stagedKey(store, upload.request))).toBeNull();
  });

  it('C9 no answer contains credentials', async () => {
    const { upload, answer, completed } = await app.store(png);
    const view = await app.call('GET', completed.file.url);
    const text = JSON.stringify([upload, answer, view.headers, view.text]);
    expect(text).toContain(store.credentials.accessKeyId);
    expect(text).not.toContain(store.credentials.secretAccessKey);
    expect(text).not.toContain('attack-suite-secret');
  });

  it('C10 unsigned content headers never reach the file', async () => {
    for (const [name, value] of [
      ['content-disposition', 'inline; filename="evil.html"'],
      ['content-encoding', 'gzip'],
      ['cache-control', 'public, max-age=31536000'],
      ['content-language', 'xx'],
    ] as const) {
      const upload = await app.grant(png);
      const sent = await send(upload.request, png, { headers: { [name]: value } });
      if (sent.status >= 400) continue;
      const answer = await app.complete(upload.grant);
      const result = answer.body.results?.[0];
      if (result && 'file' in result) {
        const stored = await app.storage.head(result.file.key);
        expect([stored?.contentDisposition, stored?.contentEncoding, stored?.cacheControl]).not.toContain(value);
      } else {
        expect(errorOf(answer)).toMatch(/rejected|mismatch/);
        expect(await app.storage.head(stagedKey(store, upload.request))).toBeNull();
      }
    }
  });

  describe('C11 an unexpired URL', () => {
    it('changes nothing after completion', async () => {
      const { upload, completed } = await app.store(png);
      const before = await app.storage.head(completed.file.key);
      app.announced.length = 0;
      await send(upload.request, png);
      expect(completedOf(await app.complete(upload.grant)).file).toEqual(completed.file);
      expect(app.announced).toEqual([]);
      expect(await app.storage.head(completed.file.key)).toEqual(before);
    });

    it('completes nothing after rejection', async () => {
      const html = Buffer.from('<!doctype html><script>alert(1)</script>');
      const upload = await app.grant(html);
      await send(upload.request, html);
      expect(errorOf(await app.complete(upload.grant))).toBe('content_type_mismatch');
      await send(upload.request, html);
      expect(errorOf(await app.complete(upload.grant))).toBe('content_type_mismatch');
    });

    it('completes nothing after abort', async () => {
      const upload = await app.grant(png);
      await app.abort(upload.grant);
      await send(upload.request, png);
      expect(errorOf(await app.complete(upload.grant))).toBe('upload_conflict');
    });

    it('completes nothing after delete', async () => {
      const { upload, completed } = await app.store(png);
      await app.uploads.deleteFile(completed.file.key);
      expect(await app.storage.head(completed.file.key)).toBeNull();
      await send(upload.request, png);
      expect(errorOf(await app.complete(upload.grant))).toBe('upload_conflict');
      expect(await app.storage.head(completed.file.key)).toBeNull();
    });
  });
});

forEachStore('presigned form', (store) => {
  let app: App;
  let info: RouteInfo;
  beforeAll(async () => {
    app = await startApp(store);
    info = await app.info();
  });
  afterAll(() => app.stop());

  const grantForm = () => app.grant(png, {}, { transfers: ['form', 'put'] });

  it('C7 a form is granted only where the storage binds its bytes', async () => {
    const upload = await grantForm();
    const { postPolicy, postChecksums, postContentMd5 } = app.storage.capabilities;
    expect(upload.transfer).toBe(postPolicy && (postChecksums.length > 0 || postContentMd5) ? 'form' : 'put');
    expect(info.transfers.includes('form')).toBe(upload.transfer === 'form');
    expect((await send(upload.request, png)).status).toBeLessThan(300);
    expect(completedOf(await app.complete(upload.grant)).file.size).toBe(png.length);
  });

  it('C7 a form with another key, size, type or checksum, or with other fields, is refused', async () => {
    const upload = await grantForm();
    if (upload.transfer !== 'form') return expect(info.transfers).toEqual(['put', 'multipart']);
    const fields = upload.request.fields ?? {};
    const bound = Object.keys(fields).find((name) => /checksum-(?!algorithm)|content-md5/i.test(name)) ?? 'missing';
    const other = randomBytes(png.length);
    const attacks: [string, Uint8Array, Record<string, string | null>][] = [
      ['another key', png, { key: `${fields.key}x` }],
      ['an expanded key', png, { key: `${'$'}{filename}` }],
      ['larger', Buffer.concat([png, png]), {}],
      ['smaller', png.subarray(1), {}],
      ['empty', new Uint8Array(), {}],
      ['other bytes', other, {}],
      ['other bytes and their checksum', other, { [bound]: checksumOf(info.checksum ?? 'sha256', other).value }],
      ['no checksum', other, { [bound]: null }],
      ['another type', png, { 'Content-Type': 'text/html', 'content-type': 'text/html' }],
      ['an extra field', png, { 'x-amz-meta-evil': 'yes' }],
      ['an acl', png, { acl: 'public-read' }],
      ['another redirect', png, { success_action_redirect: 'https://evil.example/' }],
      [
        'a changed policy',
        png,
        { policy: Buffer.from('{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').toString('base64') },
      ],
      ['a changed signature', png, { 'x-amz-signature': '0'.repeat(64), 'X-Amz-Signature': '0'.repeat(64) }],
      ...Object.keys(fields).map((name): [string, Uint8Array, Record<string, null>] => [
        `no ${name}`,
        png,
        { [name]: null },
      ]),
    ];
    for (const [attack, bytes, changed] of attacks) {
      // A field name in another case than the form's would be an additional field, so it is left out.
      const known = Object.entries(changed).filter(
        ([name]) => name in fields || !Object.keys(fields).some((field) => field.toLowerCase() === name.toLowerCase()),
      );
      const answer = await send(upload.request, bytes, { fields: Object.fromEntries(known) });
      expect([attack, answer.status >= 400 && answer.status < 500]).toEqual([attack, true]);
      expect([attack, await app.storage.head(String(fields.key))]).toEqual([attack, null]);
    }
    expect((await send(upload.request, png)).status).toBeLessThan(300);
  });

  // A server never grants such a form. An app that presigns with the storage itself can.
  it('C7 a form without a checksum still binds the size', async () => {
    const key = `${randomBytes(8).toString('hex')}.png`;
    const size = png.length;
    const form = app.storage.presignForm({ key, size, contentType: 'image/png', expiresInSeconds: 60 });
    for (const bytes of [Buffer.concat([png, Buffer.from('x')]), png.subarray(1), new Uint8Array()]) {
      expect((await send(form, bytes)).status).toBeGreaterThanOrEqual(400);
      expect(await app.storage.head(key)).toBeNull();
    }
    expect((await send(form, png)).status).toBeLessThan(300);
  });

  it('C7 a form with an expired policy is refused', async () => {
    const now = () => Date.now() - 7200_000;
    const past = await startApp(store, { storage: store.storage({ now }), now });
    const upload = await past.grant(png, {}, { transfers: ['form', 'put'] });
    expect((await send(upload.request, png)).status).toBe(403);
    await past.stop();
  });
});
