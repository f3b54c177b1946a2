/** View URLs: stable URLs that redirect to a stored file for requests that the app admits. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { StoredFile, ViewResponse } from '../../src/protocol/index.ts';
import { anyone, route, type UploadsOptions } from '../../src/server/index.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const pdf = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');

forEachStore('views', (store) => {
  const limits = { maxBytes: 10_000 };
  const routes = {
    own: route({
      limits,
      authorize: ({ request }) => {
        const ownerId = request.header('x-user');
        return ownerId ? { ownerId } : null;
      },
    }),
    open: route({ limits, authorize: anyone }),
    shared: route({
      limits,
      authorize: () => ({ ownerId: 'anna' }),
      authorizeView: ({ request, fileName }) => request.header('x-user') === 'friend' && fileName !== 'no.png',
      authorizeDelete: ({ request, ownerId }) => request.header('x-user') === ownerId,
    }),
  };

  function start(options: Partial<UploadsOptions<typeof routes>> = {}) {
    return createTestApp(store.storage(), routes, options);
  }

  type App = ReturnType<typeof start>;
  const anna = { 'x-user': 'anna' };

  async function completeUpload(app: App, name: string, bytes: Buffer, more: object = {}): Promise<StoredFile> {
    const files = [app.declare(bytes, more)];
    const granted = (await app.call('POST', '/uploads', { route: name, files }, anna)).json.uploads?.[0];
    if (!granted || granted.error) throw new Error(JSON.stringify(granted));
    await send(granted.request, bytes);
    const { json } = await app.call('POST', '/uploads/complete', { grants: [granted.grant] }, anna);
    const file = json.results?.[0]?.file;
    if (!file) throw new Error(JSON.stringify(json));
    return file;
  }

  let app: App;
  let file: StoredFile;
  beforeAll(async () => {
    app = start();
    file = await completeUpload(app, 'own', png, { fileName: 'Foto “1”.png' });
  });

  const view = (url: string, headers: Record<string, string> = anna, of: App = app) =>
    of.call('GET', url, null, headers);

  it('a view redirects the owner to the object, and can be cached for less time than the URL is valid', async () => {
    const [one, two] = [await view(file.url), await view(file.url)];
    expect([one.status, one.headers.location]).toEqual([302, two.headers.location]);
    const maxAge = Number(/^private, max-age=(\d+)$/.exec(one.headers['cache-control'] ?? '')?.[1]);
    const url = new URL(one.headers.location ?? '');
    const signed = url.searchParams.get('X-Amz-Date')?.replace(/(....)(..)(..T..)(..)/, '$1-$2-$3:$4:') ?? '';
    const lives = Date.parse(signed) / 1000 + Number(url.searchParams.get('X-Amz-Expires')) - Date.now() / 1000;
    expect(maxAge).toBeGreaterThanOrEqual(600);
    expect(lives).toBeGreaterThan(maxAge + 60);
    expect(one.headers.vary).toBe('cookie, authorization');
    const shown = await fetch(url);
    expect(shown.headers.get('content-type')).toBe('image/png');
    expect(shown.headers.get('content-disposition')).toMatch(/^inline; filename="Foto _1_.png"; filename\*=UTF-8''/);
    expect(Buffer.from(await shown.arrayBuffer()).equals(png)).toBe(true);
  });

  it('a view answers as=json, HEAD and download=1', async () => {
    const json = await view(`${file.url}?as=json`);
    const { url, expiresAt } = JSON.parse(json.body) as ViewResponse;
    expect(json.status).toBe(200);
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    expect((await fetch(url)).status).toBe(200);
    const head = await app.call('HEAD', file.url, null, anna);
    expect([head.status, head.body]).toEqual([302, '']);
    expect((await fetch(head.headers.location ?? '', { method: 'HEAD' })).status).toBe(200);
    const download = await view(`${file.url}?download=1`);
    const saved = await fetch(download.headers.location ?? '');
    expect(saved.headers.get('content-disposition')).toMatch(/^attachment; filename="Foto/);
  });

  it('A3 a view of another owner gets the answer of an unknown file', async () => {
    const unknown = `${file.url.slice(0, -3)}xyz`;
    const answers = [
      await view(file.url, { 'x-user': 'eve' }),
      await view(unknown, { 'x-user': 'eve' }),
      await view(unknown),
      await app.call('DELETE', file.url, null, { 'x-user': 'eve' }),
    ];
    const errors = answers.map(({ status, json }) => [status, json.error?.code, json.error?.message]);
    expect(new Set(errors.map(String)).size).toBe(1);
    expect(errors[0]?.slice(0, 2)).toEqual([404, 'upload_not_found']);
    expect((await view(file.url, {})).status).toBe(401);
  });

  it('G4 a forged view URL is refused, and view URLs work after a rotation of viewSecret', async () => {
    const [payload = '', mac = ''] = file.url.slice('/files/'.length).split('.');
    const facts = JSON.parse(Buffer.from(payload, 'base64url').toString()) as string[];
    expect(facts[2]).toBe(file.key);
    facts[2] = 'own/anna/other.png';
    const forged = Buffer.from(JSON.stringify(facts)).toString('base64url');
    for (const ref of [
      `${forged}.${mac}`,
      payload,
      `${payload}.`,
      `.${mac}`,
      `${payload}.${mac}=`,
      `${payload}.${mac}A`,
    ])
      expect([ref, (await view(`/files/${ref}`)).status]).toEqual([ref, 404]);
    const [old, fresh] = [
      'the old view secret of thirty-two characters',
      'the new view secret of thirty-two characters',
    ];
    const before = await completeUpload(start({ viewSecret: old }), 'own', png);
    expect((await view(before.url, anna, start({ viewSecret: [fresh, old] }))).status).toBe(302);
    expect((await view(before.url, anna, start({ viewSecret: fresh }))).status).toBe(404);
  });

  it('a view of a public route needs only the URL, and does not permit a delete', async () => {
    const open = await completeUpload(app, 'open', png);
    expect((await view(open.url, {})).status).toBe(302);
    expect((await app.call('DELETE', open.url)).json.error?.code).toBe('forbidden');
    expect((await view(open.url, {})).status).toBe(302);
  });

  it('views call authorizeView, and deletes call authorizeDelete', async () => {
    const [yes, no] = [
      await completeUpload(app, 'shared', png),
      await completeUpload(app, 'shared', png, { fileName: 'no.png' }),
    ];
    expect((await view(yes.url, { 'x-user': 'friend' })).status).toBe(302);
    expect((await view(yes.url, anna)).status).toBe(404);
    expect((await view(no.url, { 'x-user': 'friend' })).status).toBe(404);
    expect((await app.call('DELETE', yes.url, null, { 'x-user': 'friend' })).status).toBe(404);
    const evil = { ...anna, cookie: 'a=b', origin: 'https://evil.example' };
    expect((await app.call('DELETE', yes.url, null, evil)).status).toBe(403);
    expect((await app.call('DELETE', yes.url, null, anna)).status).toBe(204);
    expect(await store.storage().head(yes.key)).toBeNull();
  });

  describe('PDF files', () => {
    const dispositionOf = async (of: App, url: string, headers = {}) => {
      const answer = await view(url, { ...anna, ...headers }, of);
      const response = await fetch(answer.headers.location ?? '');
      return response.headers.get('content-disposition')?.split(';')[0];
    };

    it("a PDF is inline on the storage's origin and an attachment on the app's origin", async () => {
      const doc = await completeUpload(app, 'own', pdf, { fileName: 'a.pdf', contentType: 'application/pdf' });
      expect((await store.storage().head(doc.key))?.contentDisposition).toMatch(/^attachment/);
      expect(await dispositionOf(app, doc.url)).toBe('inline');
      expect(await dispositionOf(app, doc.url, { host: new URL(store.endpoint).host })).toBe('attachment');
      const sameOrigin = start({ publicUrl: store.endpoint });
      expect(await dispositionOf(sameOrigin, doc.url)).toBe('attachment');
      expect(await dispositionOf(app, `${doc.url}?download=1`)).toBe('attachment');
    });
  });

  it('presignView() returns a direct URL, and checks its key and expiry', async () => {
    const { uploads } = app;
    const { url } = await uploads.presignView(file.key, { expiresInSeconds: 60, download: 'ä".png' });
    const response = await fetch(url);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="__.png"; filename*=UTF-8''%C3%A4%22.png`,
    );
    for (const [key, expiresInSeconds] of [
      ['../x', 60],
      ['incoming/x', 60],
      [file.key, 0],
      [file.key, 604_801],
    ] as const)
      await expect(uploads.presignView(key, { expiresInSeconds })).rejects.toMatchObject({ code: 'invalid_request' });
    expect(uploads.viewUrl({ ...file, ownerId: 'anna' })).toBe(file.url);
    const absolute = start({ publicUrl: 'https://app.example', basePath: '/api' }).uploads;
    expect(absolute.viewUrl({ ...file, ownerId: 'anna' })).toBe(`https://app.example/api${file.url}`);
  });
});
