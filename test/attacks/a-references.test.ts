/** A6 and E5: view URLs of a deleted file whose key is used again. Attack ids: docs/threat-model.md. */
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createUploads, type Ledger, route, type UploadsOptions } from '../../src/server/index.ts';
import { deriveKey } from '../../src/server/shared/secrets.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { type App, png, secret, sendRaw, startApp } from './app.ts';

const authorize = ({ request }: { request: { header(name: string): string | undefined } }) => {
  const ownerId = request.header('x-user');
  return ownerId ? { ownerId } : null;
};
const text = Buffer.from('a text of mallory');
const textOfAlice = Buffer.from('a text of alice');
const pdf = Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n');
const html = Buffer.from('<!doctype html><script>alert(document.domain)</script>');
const note = { fileName: 'plan.txt', contentType: 'text/plain' };
const mallory = { 'x-user': 'mallory' };
const alice = { 'x-user': 'alice' };

function start(store: TestStore, ledger: Ledger | undefined, more: Partial<UploadsOptions> = {}): Promise<App> {
  return startApp(store, {
    ...(ledger ? { ledger } : {}),
    routes: {
      files: route({
        limits: { maxBytes: 1e6, contentTypes: ['*/*', 'text/html'] },
        authorize,
        key: ({ fileName }) => `shared/${fileName}`,
      }),
      shown: route({
        limits: { maxBytes: 1e6, contentTypes: ['application/pdf', 'text/html'] },
        authorize,
        authorizeView: () => true,
        key: ({ ownerId }) => `latest/${ownerId}`,
      }),
      plain: route({ limits: { maxBytes: 1e6, contentTypes: ['*/*'] }, authorize }),
      chosen: route({
        limits: { maxBytes: 1e6, contentTypes: ['*/*'] },
        authorize,
        key: ({ fileName }) => fileName.replaceAll('!', '/'),
      }),
    },
    ...more,
  } as Partial<UploadsOptions>);
}

/** Mallory stores and deletes a file, and alice stores another one with the same key. */
async function reuseKey(app: App) {
  const before = (await app.store(text, note, { user: 'mallory' })).completed.file;
  expect((await app.call('DELETE', before.url, undefined, mallory)).status).toBe(204);
  const after = (await app.store(textOfAlice, note, { user: 'alice' })).completed.file;
  expect(after.key).toBe(before.key);
  return { before, after };
}

const readView = async (app: App, url: string, user = alice) => {
  const answer = await app.call('GET', url, undefined, user);
  return sendRaw('GET', String(answer.headers.location), null);
};

forEachStore('references', (store) => {
  const started: App[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((app) => app.stop()));
  });
  const opened = async (ledger?: Ledger, more?: Partial<UploadsOptions>) => {
    const app = await start(store, ledger, more);
    started.push(app);
    return app;
  };

  describe('without a ledger', () => suite(async () => undefined));
  forEachLedger('with a ledger', (testLedger) => suite(() => testLedger.open()));

  function suite(openLedger: () => Promise<Ledger | undefined>) {
    it('A6 the reference of a deleted file does not show a later file with the same key', async () => {
      const app = await opened(await openLedger());
      const { before, after } = await reuseKey(app);
      for (const [method, query] of [
        ['GET', ''],
        ['GET', '?as=json'],
        ['GET', '?download=1'],
        ['HEAD', ''],
      ] as const) {
        const answer = await app.call(method, before.url + query, undefined, mallory);
        expect([method, query, answer.status, answer.headers.location]).toEqual([method, query, 404, undefined]);
      }
      expect((await readView(app, after.url)).text).toBe(textOfAlice.toString());
      await app.uploads.deleteFile(after.key);
    });

    it('A6 the reference of a deleted file does not delete a later file with the same key', async () => {
      const app = await opened(await openLedger());
      const { before, after } = await reuseKey(app);
      await app.call('DELETE', before.url, undefined, mallory);
      expect((await app.storage.head(after.key))?.size).toBe(textOfAlice.length);
      expect(await app.uploads.deleteFile(before.key, { uploadId: before.uploadId })).toBe(false);
      expect((await readView(app, after.url)).text).toBe(textOfAlice.toString());
      expect((await app.call('DELETE', after.url, undefined, alice)).status).toBe(204);
      expect(await app.storage.head(after.key)).toBeNull();
    });

    it('A6 the reference of an object that was deleted without Waybill does not affect a later file', async () => {
      const app = await opened(await openLedger());
      const before = (await app.store(text, note, { user: 'mallory' })).completed.file;
      await app.storage.delete(before.key);
      expect((await app.call('GET', before.url, undefined, mallory)).status).toBe(404);
      const after = (await app.store(textOfAlice, note, { user: 'alice' })).completed.file;
      expect((await app.call('GET', before.url, undefined, mallory)).status).toBe(404);
      await app.call('DELETE', before.url, undefined, mallory);
      expect((await app.storage.head(after.key))?.size).toBe(textOfAlice.length);
      await app.uploads.deleteFile(after.key);
    });

    it('A6 a `key` callback cannot choose the default key of another upload', async () => {
      const app = await opened(await openLedger());
      const { file } = (await app.store(text, note, { user: 'mallory', name: 'plain' })).completed;
      await app.call('DELETE', file.url, undefined, mallory);
      const answer = await app.tryGrant(
        textOfAlice,
        { fileName: file.key.replaceAll('/', '!'), contentType: 'text/plain' },
        { name: 'chosen' },
      );
      expect([answer.status, answer.body.error?.code]).toEqual([500, 'internal_error']);
    });

    it('E5 an old reference never changes how another file is shown', async () => {
      const app = await opened(await openLedger());
      const old = await app.store(
        pdf,
        { fileName: 'a.pdf', contentType: 'application/pdf' },
        { name: 'shown', user: 'mallory' },
      );
      await app.call('DELETE', old.completed.file.url, undefined, mallory);
      const page = await app.store(
        html,
        { fileName: 'a.html', contentType: 'text/html' },
        { name: 'shown', user: 'mallory' },
      );
      expect((await app.call('GET', old.completed.file.url)).status).toBe(404);
      const shown = await readView(app, page.completed.file.url);
      expect(shown.headers['content-disposition']).toMatch(/^attachment/);
      await app.uploads.deleteFile(page.completed.file.key);
    });
  }

  it('E5 the reference fixes the content type together with the disposition', async () => {
    const app = await opened();
    const { file } = (await app.store(pdf, { fileName: 'a.pdf', contentType: 'application/pdf' }, { name: 'plain' }))
      .completed;
    // Simulates an object that was replaced in the storage's console.
    const { etag } = await app.storage.put({ key: file.key, body: html, contentType: 'text/html' });
    expect(etag).not.toBe('');
    for (const [method, query, kind] of [
      ['GET', '', 'inline'],
      ['GET', '?as=json', 'inline'],
      ['GET', '?download=1', 'attachment'],
      ['HEAD', '', 'inline'],
      ['HEAD', '?download=1', 'attachment'],
    ] as const) {
      const answer = await app.call(method, file.url + query, undefined, alice);
      const url = answer.headers.location ?? (answer.body as { url?: string }).url;
      const shown = await sendRaw(method, String(url), null);
      expect([method, query, shown.status, shown.headers['content-type']]).toEqual([
        method,
        query,
        200,
        'application/pdf',
      ]);
      expect(String(shown.headers['content-disposition']).split(';')[0]).toBe(kind);
    }
  });

  it('A6 a reference in the older format is valid only where the key contains the upload id', async () => {
    const app = await opened();
    const own = (await app.store(png, {}, { name: 'plain' })).completed.file;
    expect((await app.call('GET', olderReference(own, 'alice'))).status).toBe(302);
    const custom = (await app.store(text, note)).completed.file;
    const older = olderReference(custom, 'alice');
    expect((await app.call('GET', older)).status).toBe(404);
    await app.call('DELETE', older, undefined, alice);
    expect(await app.storage.head(custom.key)).not.toBeNull();
    await app.uploads.deleteFile(custom.key);
  });

  it('A6 a view calls the storage once where the key can be reused, and never otherwise', async () => {
    const calls: string[] = [];
    const app = await opened(undefined, {
      instrument: (name, _, run) => {
        if (name.startsWith('waybill.storage.')) calls.push(name.slice('waybill.storage.'.length));
        return run();
      },
    });
    const plain = (await app.store(png, {}, { name: 'plain' })).completed.file;
    const custom = (await app.store(text, note)).completed.file;
    await app.uploads.idle();
    calls.length = 0;
    expect((await app.call('GET', plain.url)).status).toBe(302);
    expect(calls).toEqual([]);
    const answer = await app.call('GET', `${custom.url}?as=json`);
    expect(calls).toEqual(['head']);
    // The presigned URL names only the key, so it is short-lived where the key can be reused.
    const { expiresAt } = answer.body as { expiresAt?: string };
    expect(Date.parse(String(expiresAt)) - Date.now()).toBeLessThanOrEqual(300_000);
    await app.uploads.deleteFile(custom.key);
  });

  it('A6 viewUrl() requires uploadId for a file whose key can be reused', () => {
    const uploads = createUploads({
      storage: store.storage(),
      secret,
      routes: { files: route({ limits: { maxBytes: 1 }, authorize }) },
    });
    const file = { route: 'files', ownerId: 'alice', key: 'shared/plan.txt', ...note };
    expect(() => uploads.viewUrl(file as never)).toThrow(/uploadId/);
  });
});

/** Makes a reference in the format of versions that did not include the upload id. */
function olderReference(
  file: { route: string; key: string; fileName: string; contentType: string },
  ownerId: string,
): string {
  const facts = [file.route, ownerId, file.key, file.fileName, file.contentType];
  const payload = Buffer.from(JSON.stringify(facts)).toString('base64url');
  const mac = createHmac('sha256', deriveKey(secret, 'view')).update(payload).digest().subarray(0, 16);
  return `/files/${payload}.${mac.toString('base64url')}`;
}
