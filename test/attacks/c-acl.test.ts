/**
 * C14: a header, parameter or field that a client adds never makes an unverified object public.
 * Attack ids: docs/threat-model.md.
 */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PresignedRequest } from '../../src/protocol/index.ts';
import { forEachStore } from '../support/stores.ts';
import { publicAclAdditions as additions } from './acl.ts';
import { type App, type Change, png, send, sendRaw, stagedKey, startApp } from './app.ts';

forEachStore('ACLs', (store) => {
  let app: App;
  beforeAll(async () => {
    app = await startApp(store);
  });
  afterAll(() => app.stop());

  /** Checks that anonymous requests can neither read nor replace the object nor read its ACL. */
  async function expectPrivate(key: string): Promise<void> {
    const url = `${store.endpoint}/${store.bucket}/${key}`;
    const answers = [
      await sendRaw('GET', url, null),
      await sendRaw('HEAD', url, null),
      await sendRaw('GET', `${url}?acl`, null),
      await sendRaw('PUT', url, png, { 'content-length': String(png.length) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  }

  it.each(additions)('C14 a PUT with %s in a header stores no public object (%s: %s)', async (_, name, value) => {
    const upload = await app.grant(png);
    await send(upload.request, png, { headers: { [name]: value } });
    await expectPrivate(stagedKey(store, upload.request));
  });

  it.each(additions)('C14 a PUT with %s in the query stores no public object (%s: %s)', async (_, name, value) => {
    const upload = await app.grant(png);
    await send(upload.request, png, { url: `${upload.request.url}&${name}=${encodeURIComponent(value)}` });
    await expectPrivate(stagedKey(store, upload.request));
  });

  it('C14 a PUT with a repeated header for a public ACL stores no public object', async () => {
    const upload = await app.grant(png);
    const headers = [...Object.entries(upload.request.headers).flat(), 'x-amz-acl', 'public-read'];
    const url = new URL(upload.request.url);
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(
        // Node sends an array of headers unchanged, including repeated names.
        {
          method: 'PUT',
          host: url.hostname,
          port: url.port,
          path: url.pathname + url.search,
          agent: false,
          headers: ['host', url.host, ...headers],
        },
        (response) => response.resume().on('end', resolve),
      );
      request.on('error', reject).end(png);
    });
    await expectPrivate(stagedKey(store, upload.request));
  });

  it.each(additions)(
    'C14 a form with %s in a field or a header stores no public object (%s: %s)',
    async (_, name, value) => {
      const changes: Change[] = [{ fields: { [name]: value } }, { headers: { [name]: value } }];
      for (const [index, change] of changes.entries()) {
        const key = `incoming/form-${index}-${Buffer.from(name + value).toString('hex')}`;
        const request = presignForm(key);
        await send(request, png, change);
        await expectPrivate(key);
        if (index === 0) expect(await app.storage.head(key)).toBeNull();
      }
    },
  );

  it('C14 a form without additions stores a private object', async () => {
    const request = presignForm('incoming/form');
    expect((await send(request, png)).status).toBeLessThan(300);
    await expectPrivate('incoming/form');
  });

  it.each(additions)('C14 a part with %s in a header makes no public object (%s: %s)', async (_, name, value) => {
    const key = `incoming/parts-${Buffer.from(name + value).toString('hex')}`;
    const { multipartId } = await app.storage.createMultipart({ key, contentType: 'image/png' });
    const part = { key, multipartId, partNumber: 1, size: png.length, expiresInSeconds: 60 };
    const request = app.storage.presignPart(part);
    if ((await send(request, png, { headers: { [name]: value } })).status >= 300)
      expect((await send(request, png)).status).toBe(200);
    const parts = (await app.storage.listParts(key, multipartId)) ?? [];
    await app.storage.completeMultipart({ key, multipartId, parts, size: png.length, once: false });
    await expectPrivate(key);
  });

  it('C14 requests and forms sign a private ACL where the storage applies unsigned ACLs', async () => {
    const capabilities = { ...app.storage.capabilities, unsignedAcls: true };
    const storage = store.storage({ capabilities });
    const facts = { size: png.length, contentType: 'image/png', expiresInSeconds: 60 };
    const put = storage.presignPut({ ...facts, key: 'incoming/fixed-put' });
    expect(put.headers).toMatchObject({ 'x-amz-acl': 'private' });
    for (const acl of [null, 'public-read'])
      expect((await send(put, png, { headers: { 'x-amz-acl': acl } })).status).toBe(403);
    expect((await send(put, png)).status).toBe(200);
    const post = storage.presignForm({ ...facts, key: 'incoming/fixed-form' });
    expect(post.fields).toMatchObject({ acl: 'private' });
    for (const acl of [null, 'public-read']) expect((await send(post, png, { fields: { acl } })).status).toBe(403);
    expect((await send(post, png)).status).toBeLessThan(300);
    const key = 'incoming/fixed-parts';
    const { multipartId } = await storage.createMultipart({ key, contentType: 'image/png' });
    const part = storage.presignPart({ ...facts, key, multipartId, partNumber: 1 });
    expect((await send(part, png)).status).toBe(200);
    await storage.abortMultipart(key, multipartId);
    // A storage that applies other unsigned headers is assumed to apply this one.
    const cautious = store.storage({ capabilities: { refusesUnsignedHeaders: false } }).capabilities;
    expect(cautious.unsignedAcls).toBe(true);
  });

  function presignForm(key: string): PresignedRequest {
    return app.storage.presignForm({ key, size: png.length, contentType: 'image/png', expiresInSeconds: 60 });
  }
});
