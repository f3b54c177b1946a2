/** C14: nothing that a sender adds to a request makes the object public before it is verified. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PresignedRequest } from '../../src/protocol/index.ts';
import { forEachStore } from '../support/stores.ts';
import { publicAclAdditions as additions } from './acl.ts';
import { type App, type Change, png, raw, send, stagedKey, startApp } from './app.ts';

forEachStore('ACLs', (store) => {
  let app: App;
  beforeAll(async () => {
    app = await startApp(store);
  });
  afterAll(() => app.stop());

  /** Nobody reads it, nobody sees its ACL, nobody replaces it. */
  async function isPrivate(key: string): Promise<void> {
    const url = `${store.endpoint}/${store.bucket}/${key}`;
    const answers = [
      await raw('GET', url, null),
      await raw('HEAD', url, null),
      await raw('GET', `${url}?acl`, null),
      await raw('PUT', url, png, { 'content-length': String(png.length) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  }

  it.each(additions)('C14 %s beside a PUT (%s: %s)', async (_, name, value) => {
    const upload = await app.grant(png);
    await send(upload.request, png, { headers: { [name]: value } });
    await isPrivate(stagedKey(store, upload.request));
  });

  it.each(additions)('C14 %s in the query of a PUT (%s: %s)', async (_, name, value) => {
    const upload = await app.grant(png);
    await send(upload.request, png, { url: `${upload.request.url}&${name}=${encodeURIComponent(value)}` });
    await isPrivate(stagedKey(store, upload.request));
  });

  it('C14 a public ACL in a second header beside a PUT', async () => {
    const upload = await app.grant(png);
    const headers = [...Object.entries(upload.request.headers).flat(), 'x-amz-acl', 'public-read'];
    const url = new URL(upload.request.url);
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(
        // An array is sent as it is, doubled names included.
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
    await isPrivate(stagedKey(store, upload.request));
  });

  it.each(additions)('C14 %s in a form, and beside it (%s: %s)', async (_, name, value) => {
    const changes: Change[] = [{ fields: { [name]: value } }, { headers: { [name]: value } }];
    for (const [index, change] of changes.entries()) {
      const key = `incoming/form-${index}-${Buffer.from(name + value).toString('hex')}`;
      const request = form(key);
      await send(request, png, change);
      await isPrivate(key);
      if (index === 0) expect(await app.storage.head(key)).toBeNull();
    }
  });

  it('C14 a form as it was granted is stored, and private', async () => {
    const request = form('incoming/form');
    expect((await send(request, png)).status).toBeLessThan(300);
    await isPrivate('incoming/form');
  });

  it.each(additions)('C14 %s beside a part (%s: %s)', async (_, name, value) => {
    const key = `incoming/parts-${Buffer.from(name + value).toString('hex')}`;
    const { multipartId } = await app.storage.createMultipart({ key, contentType: 'image/png' });
    const part = { key, multipartId, partNumber: 1, size: png.length, expiresInSeconds: 60 };
    const request = app.storage.presignPart(part);
    if ((await send(request, png, { headers: { [name]: value } })).status >= 300)
      expect((await send(request, png)).status).toBe(200);
    const parts = (await app.storage.listParts(key, multipartId)) ?? [];
    await app.storage.completeMultipart({ key, multipartId, parts, size: png.length, once: false });
    await isPrivate(key);
  });

  it('C14 where unsigned ACLs count, requests and forms fix the ACL, and work', async () => {
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
    // A storage that applies other unsigned headers is taken to apply this one.
    const wary = store.storage({ capabilities: { refusesUnsignedHeaders: false } }).capabilities;
    expect(wary.unsignedAcls).toBe(true);
  });

  function form(key: string): PresignedRequest {
    return app.storage.presignForm({ key, size: png.length, contentType: 'image/png', expiresInSeconds: 60 });
  }
});
