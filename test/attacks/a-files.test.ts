/** A8: the calls that list and rename stored files. Attack ids: docs/threat-model.md. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { ListFilesResponse, RenameResponse, WireError } from '../../src/protocol/index.ts';
import { anyone, createUploads, type Ledger, route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, errorOf, type JsonAnswer, png, secret, sendRaw, startApp } from './app.ts';

const limits = { maxBytes: 1e6 };
const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => {
  const ownerId = request.header('x-user');
  return ownerId ? { ownerId } : null;
};
const isAdmin = ({ request }: { request: { header(name: string): string | undefined } }) =>
  request.header('x-user') === 'admin';
const mallory = { 'x-user': 'mallory' };

const listed = (answer: JsonAnswer) => answer.body as unknown as ListFilesResponse;
const renamed = (answer: JsonAnswer) => (answer.body as unknown as RenameResponse).file;
const withoutId = ({ text }: JsonAnswer) => text.replace(/"requestId":"[^"]*"/g, '');

forEachStore('calls about stored files', (store) => {
  let app: App;
  let ledger: Ledger | undefined;

  async function start(withLedger: boolean) {
    ledger = withLedger ? await sqliteLedger({ file: ':memory:' }) : undefined;
    const authorizeRename = withLedger ? { authorizeRename: 'owner' as const } : {};
    app = await startApp(store, {
      ...(ledger ? { ledger } : {}),
      routes: {
        files: route({ limits, authorize, authorizeList: 'owner', ...authorizeRename }),
        other: route({ limits, authorize, authorizeList: 'owner', ...authorizeRename }),
        closed: route({ limits, authorize }),
        admin: route({
          limits,
          authorize,
          authorizeList: isAdmin,
          ...(withLedger ? { authorizeRename: isAdmin } : {}),
        }),
        open: route({ limits, authorize: anyone, authorizeList: isAdmin }),
        images: route({
          limits: { ...limits, extensions: ['png'] },
          authorize,
          ...authorizeRename,
        }),
      },
    } as Parameters<typeof startApp>[1]);
  }

  afterEach(async () => {
    for (const ownerId of ['alice', 'mallory']) await app.uploads.forgetOwner(ownerId);
    await app.stop();
    await ledger?.close?.();
  });

  const list = (query: string, headers?: Record<string, string>) =>
    app.call('GET', `/uploads?${query}`, undefined, headers);
  const rename = (url: string, fileName: unknown, headers?: Record<string, string>) =>
    app.call('POST', url, { fileName }, headers);

  describe.each([
    ['with a ledger', true],
    ['without a ledger', false],
  ])('%s', (_, withLedger) => {
    beforeEach(() => start(withLedger));

    it('A8 a list has only files of the owner who asks, on this route', async () => {
      const own = (await app.store(png)).completed.file;
      await app.store(png, {}, { name: 'other' });
      await app.store(png, {}, { user: 'mallory' });
      const answer = await list('route=files');
      expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
      // The storage alone does not record the time of the completion.
      const facts = withLedger ? own : { uploadId: own.uploadId, fileName: own.fileName, url: own.url };
      expect(listed(answer)).toMatchObject({ files: [facts], cursor: null });
      expect(Object.keys(listed(answer).files[0] ?? {})).not.toContain('ownerId');
      for (const query of ['ownerId=alice', 'ownerId=unknown'])
        expect(errorOf(await list(`route=files&${query}`, mallory))).toBe('forbidden');
      expect(errorOf(await list('route=files', { 'x-user': '' }))).toBe('unauthenticated');
      for (const ownerId of ['', '..', 'a/b', '%00'])
        expect(errorOf(await list(`route=files&ownerId=${ownerId}`))).toBe('invalid_request');
    });

    it('A8 a function of the app decides whose files are listed', async () => {
      const { file } = (await app.store(png, {}, { name: 'admin' })).completed;
      expect(errorOf(await list('route=admin'))).toBe('forbidden');
      expect(errorOf(await list('route=admin&ownerId=alice', mallory))).toBe('forbidden');
      const answer = await list('route=admin&ownerId=alice', { 'x-user': 'admin' });
      expect(listed(answer).files).toMatchObject([{ uploadId: file.uploadId }]);
      expect(errorOf(await list('route=open', { 'x-user': 'admin' }))).toBe('invalid_request');
    });

    it('A8 a route that does not open the calls answers as if it did not exist', async () => {
      const { file } = (await app.store(png, {}, { name: 'closed' })).completed;
      const answers = await Promise.all([list('route=closed'), list('route=constructor'), list('')]);
      for (const answer of answers) expect([answer.status, errorOf(answer)]).toEqual([404, 'route_not_found']);
      expect(new Set(answers.map(withoutId)).size).toBe(1);
      const [closed, forged] = [await rename(file.url, 'b.png'), await rename(`${file.url.slice(0, -4)}AAAA`, 'b.png')];
      expect([closed.status, errorOf(closed)]).toEqual([404, 'upload_not_found']);
      expect(withoutId(closed)).toBe(withoutId(forged));
      expect((await app.uploads.head(file.url))?.fileName).toBe(file.fileName);
    });

    it('A8 a cursor continues only the list that it came from, and the size of a page is bounded', async () => {
      for (const fileName of ['a.png', 'b.png', 'c.png']) await app.store(png, { fileName });
      const first = listed(await list('route=files&limit=2'));
      const cursor = first.cursor ?? '';
      const second = listed(await list(`route=files&limit=2&cursor=${encodeURIComponent(cursor)}`));
      expect(second.cursor).toBeNull();
      const names = [...first.files, ...second.files].map(({ fileName }) => fileName);
      expect([first.files.length, names.sort()]).toEqual([2, ['a.png', 'b.png', 'c.png']]);
      const [inner = '', mac = ''] = cursor.split('.');
      const forged = [`${inner}A.${mac}`, `${inner}.${mac.slice(0, -4)}AAAA`, inner, `${inner}.`, 'x', 'a.b', ''];
      forged.push(Buffer.from(inner, 'base64url').toString(), `${'A'.repeat(6000)}.${mac}`);
      for (const [query, headers] of [
        ...forged.map((one) => [`route=files&cursor=${encodeURIComponent(one)}`, {}] as const),
        [`route=files&cursor=${cursor}`, mallory],
        [`route=other&cursor=${cursor}`, {}],
      ] as const) {
        const answer = await list(query, headers);
        expect([query.slice(0, 80), answer.status, errorOf(answer)]).toEqual([
          query.slice(0, 80),
          400,
          'invalid_request',
        ]);
      }
      for (const limit of ['0', '101', '-1', '1.5', 'x', '', '9'.repeat(400)])
        expect([limit, errorOf(await list(`route=files&limit=${limit}`))]).toEqual([limit, 'invalid_request']);
      expect((await list('route=files&limit=100')).status).toBe(200);
    });
  });

  describe('renames', () => {
    beforeEach(() => start(true));

    it('A8 only the owner, or a user that a function of the app admits, renames a file', async () => {
      const { file } = (await app.store(png)).completed;
      const others = await rename(file.url, 'stolen.png', mallory);
      expect([others.status, errorOf(others)]).toEqual([404, 'upload_not_found']);
      expect(errorOf(await rename(file.url, 'stolen.png', { 'x-user': '' }))).toBe('unauthenticated');
      const ofAdmin = (await app.store(png, {}, { name: 'admin' })).completed.file;
      expect(errorOf(await rename(ofAdmin.url, 'stolen.png'))).toBe('upload_not_found');
      expect(renamed(await rename(ofAdmin.url, 'good.png', { 'x-user': 'admin' })).fileName).toBe('good.png');
      for (const { url } of [file, ofAdmin])
        expect((await app.uploads.audit({ uploadId: (await app.uploads.head(url))?.uploadId ?? '' })).entries).toEqual(
          expect.not.arrayContaining([expect.objectContaining({ actor: 'mallory' })]),
        );
      expect((await app.uploads.head(file.url))?.fileName).toBe(file.fileName);
    });

    it('A8 a rename from a page of another origin, or without JSON, changes nothing', async () => {
      const { file } = (await app.store(png)).completed;
      const origin = { origin: 'https://evil.example', cookie: 'session=1' };
      expect(errorOf(await rename(file.url, 'x.png', origin))).toBe('forbidden');
      const text = await app.call('POST', file.url, 'fileName=x.png', { 'content-type': 'text/plain' });
      expect(errorOf(text)).toBe('invalid_request');
      expect((await app.uploads.head(file.url))?.fileName).toBe(file.fileName);
    });

    it('A8 a new name is checked and cleaned as at the grant', async () => {
      const { file } = (await app.store(png)).completed;
      for (const refused of ['', 'x'.repeat(256), 'ü'.repeat(128), 'a\ud800.png', 7, null, undefined]) {
        const answer = await rename(file.url, refused);
        expect([refused, answer.status, errorOf(answer)]).toEqual([refused, 400, 'invalid_request']);
      }
      const { file: ofImages } = (await app.store(png, {}, { name: 'images' })).completed;
      const html = await rename(ofImages.url, 'page.html');
      expect(errorOf(html)).toBe('content_type_not_allowed');
      // The extension is that of the cleaned name.
      expect(errorOf(await rename(ofImages.url, 'page.html/ .'))).toBe('content_type_not_allowed');
      for (const [given, name] of [
        ['../../etc/passwd', 'passwd'],
        ['C:\\Windows\\notes.txt', 'notes.txt'],
        ['invoice\u202egnp.exe', 'invoicegnp.exe'],
        ['CON.png', '_CON.png'],
        ['a\r\nSet-Cookie: x=1.png', 'aSet-Cookie_ x=1.png'],
      ])
        expect(renamed(await rename(file.url, given)).fileName).toBe(name);
    });

    it('A8 a renamed file keeps its type, and its name stays in its place in the header', async () => {
      const { file } = (await app.store(png)).completed;
      const after = renamed(await rename(file.url, 'a"; filename="evil.html"; x=\'%22.html'));
      expect(after).toMatchObject({ uploadId: file.uploadId, key: file.key, contentType: 'image/png' });
      expect(after.url).not.toBe(file.url);
      for (const url of [file.url, after.url]) {
        const view = await app.call('GET', `${url}?download=1`);
        const shown = await sendRaw('GET', String(view.headers.location), null);
        expect([shown.status, shown.headers['content-type']]).toEqual([200, 'image/png']);
        expect(String(shown.headers['content-disposition'])).toMatch(
          /^attachment; filename="[^"\\]*"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*)?$/,
        );
      }
    });

    it('A8 a deleted file cannot be renamed', async () => {
      const { file } = (await app.store(png)).completed;
      await app.uploads.deleteFile(file.key, { uploadId: file.uploadId });
      const answer = await rename(file.url, 'back.png');
      expect((answer.body.error as WireError).code).toBe('upload_not_found');
    });
  });

  it('A8 a route that cannot know the owner or keep the name is refused at start-up', async () => {
    await start(false);
    const key = ({ uploadId }: { uploadId: string }) => `docs/${uploadId}`;
    const create = (definition: object) => () =>
      createUploads({
        storage: store.storage(),
        secret,
        routes: { files: route({ limits, authorize, ...definition } as Parameters<typeof route>[0]) },
      });
    expect(create({ authorizeList: 'owner', authorize: anyone })).toThrow(/`authorizeList` must be a function/);
    expect(create({ authorizeRename: 'owner', authorize: anyone })).toThrow(/`authorizeRename` must be a function/);
    expect(create({ authorizeRename: 'owner' })).toThrow(/routes.files.authorizeRename` needs a ledger/);
    expect(create({ authorizeList: 'owner', key })).toThrow(/routes.files.authorizeList` needs a ledger/);
    expect(create({ authorizeList: true })).toThrow(/authorizeList/);
    expect(create({ authorizeList: 'owner' })).not.toThrow();
  });
});
