/** What an app does with stored files: list, head, rename, copy, delete, export, the audit trail, and forgetting. */
import { expect, it } from 'vitest';
import type { Ledger } from '../../src/server/index.ts';
import { anyone, type Owner, route } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const limits = { maxBytes: 1_000_000 };
const authorize = ({ request }: { request: { header(name: string): string | undefined } }): Owner => ({
  ownerId: request.header('x-user') ?? 'alice',
});

async function storeFile(app: ReturnType<typeof createTestApp>, fileName: string, routeName?: string) {
  const upload = await app.grant(png, { fileName }, routeName);
  expect(await send(upload.request, png)).toBe(200);
  const { json } = await app.complete(upload.grant);
  const file = json.results?.[0]?.file;
  if (!file) throw new Error(`not completed: ${JSON.stringify(json)}`);
  return { file, grant: upload.grant, request: upload.request };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error) => error.code,
  );

forEachStore('files of an app', (store) => {
  forEachLedger('ledger', (testLedger) => {
    function createApp(ledger: Ledger, more = {}) {
      const completed: { fileName: string; ownerId: string }[] = [];
      const onComplete = ({ file, ownerId }: { file: { fileName: string }; ownerId: string }) => {
        completed.push({ fileName: file.fileName, ownerId });
      };
      const routes = { a: route({ limits, authorize, onComplete }), b: route({ limits, authorize }) };
      return { ...createTestApp(store.storage(), routes, { ledger, ...more }), completed };
    }

    it('list(), head() and rename() find a file by its id, its reference and its URL', async () => {
      const { uploads, ...app } = createApp(await testLedger.open());
      const { file } = await storeFile({ uploads, ...app }, 'one.png');
      await storeFile({ uploads, ...app }, 'two.png', 'b');
      const { files, cursor } = await uploads.list({ ownerId: 'alice', route: 'a' });
      expect({ files, cursor }).toEqual({ files: [{ ...file, ownerId: 'alice', metadata: undefined }], cursor: null });
      expect((await uploads.list({ ownerId: 'alice' })).files.map(({ fileName }) => fileName)).toEqual([
        'two.png',
        'one.png',
      ]);
      for (const name of [file.uploadId, file.url, file.url.slice(file.url.lastIndexOf('/') + 1)])
        expect(await uploads.head(name)).toMatchObject(file);
      expect(await uploads.head(file.url, { ownerId: 'bob' })).toBeNull();
      const renamed = await uploads.rename(file.url, '../new name.png', { actor: 'admin' });
      expect(renamed).toMatchObject({ uploadId: file.uploadId, key: file.key, fileName: 'new name.png' });
      expect(await uploads.head(file.url)).toMatchObject({ fileName: 'new name.png', url: renamed.url });
      // Both URLs lead to the file; each saves it under the name that it was made for.
      for (const url of [file.url, renamed.url]) expect((await app.call('GET', url)).status).toBe(302);
      expect(decodeURIComponent((await app.call('GET', renamed.url)).headers.location ?? '')).toContain('new name.png');
      expect(await codeOf(uploads.rename(file.url, 'x', { ownerId: 'bob' }))).toBe('upload_not_found');
      expect(await codeOf(uploads.rename(file.url, ' '))).toBe('invalid_request');
      const { entries } = await uploads.audit({ uploadId: file.uploadId });
      expect(entries.map(({ action, actor, details }) => ({ action, actor, details }))).toEqual([
        { action: 'renamed', actor: 'admin', details: { from: 'one.png', to: 'new name.png' } },
        { action: 'completed', actor: null, details: { grantedAt: expect.any(Number) } },
      ]);
    });

    it('copy() stores a file of its own that counts in the quota, and delete() of one keeps the other', async () => {
      const quota = { maxFiles: 2 };
      const { uploads, completed, ...app } = createApp(await testLedger.open(), { quota });
      const { file } = await storeFile({ uploads, ...app }, 'one.png');
      const copy = await uploads.copy(file.uploadId, { to: { fileName: 'two.png' }, actor: 'alice' });
      expect(copy.file).toMatchObject({ fileName: 'two.png', size: file.size, checksum: file.checksum, route: 'a' });
      expect(copy.uploadId).not.toBe(file.uploadId);
      expect(copy.file.key).toBe(`a/alice/${copy.uploadId}.png`);
      expect(completed).toEqual([
        { fileName: 'one.png', ownerId: 'alice' },
        { fileName: 'two.png', ownerId: 'alice' },
      ]);
      expect(await codeOf(uploads.copy(file.uploadId))).toBe('quota_exceeded');
      const bobs = await uploads.copy(file.uploadId, { to: { ownerId: 'bob' } });
      expect(bobs.file.key).toBe(`a/bob/${bobs.uploadId}.png`);
      expect(await uploads.usage('alice')).toMatchObject({ storedFiles: 2, pendingFiles: 0 });
      expect(await uploads.delete(file.uploadId, { ownerId: 'bob' })).toBe(false);
      expect(await uploads.delete(file.uploadId, { ownerId: 'alice', actor: 'admin' })).toBe(true);
      expect(await uploads.delete(file.uploadId)).toBe(false);
      expect(await uploads.head(file.uploadId)).toBeNull();
      expect(await uploads.head(copy.uploadId)).toMatchObject({ fileName: 'two.png' });
      expect(await store.storage().head(file.key)).toBeNull();
      expect((await store.storage().head(copy.file.key))?.size).toBe(png.length);
      expect(await codeOf(uploads.copy(file.uploadId))).toBe('upload_not_found');
      const { entries } = await uploads.audit({ uploadId: file.uploadId });
      expect(entries.filter(({ action }) => action === 'copied').map(({ details }) => details?.to)).toEqual([
        bobs.uploadId,
        copy.uploadId,
      ]);
    });

    it('exportOwner() lists every file with a request that downloads it under its name', async () => {
      const { uploads, ...app } = createApp(await testLedger.open());
      for (const name of ['one.png', 'two.png', 'three.png']) await storeFile({ uploads, ...app }, name);
      const first = await uploads.exportOwner('alice', { limit: 2 });
      const second = await uploads.exportOwner('alice', { limit: 2, cursor: first.cursor });
      expect(second.cursor).toBeNull();
      const files = [...first.files, ...second.files];
      expect(files.map(({ fileName }) => fileName).sort()).toEqual(['one.png', 'three.png', 'two.png']);
      const answer = await fetch((files[0] as (typeof files)[0]).download.url);
      expect(answer.headers.get('content-disposition')).toContain(`attachment; filename="${files[0]?.fileName}"`);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(png);
    });

    it('the sweep deletes entries of the audit trail after `keepAuditDays`', async () => {
      const clock = { offset: 0 };
      const now = () => Date.now() + clock.offset;
      const { uploads, ...app } = createApp(await testLedger.open({ now }), { now, keepAuditDays: 2 });
      await storeFile({ uploads, ...app }, 'one.png');
      clock.offset = 47 * 3_600_000;
      await uploads.sweep();
      expect((await uploads.audit({ ownerId: 'alice' })).entries).toHaveLength(1);
      clock.offset = 49 * 3_600_000;
      await uploads.sweep();
      expect((await uploads.audit({ ownerId: 'alice' })).entries).toEqual([]);
      expect((await uploads.list({ ownerId: 'alice' })).files).toHaveLength(1);
    });

    it('forgetOwner() ends everything of the owner and nothing of others, and continues where it stopped', async () => {
      const ledger = await testLedger.open();
      const { uploads, ...app } = createApp(ledger);
      const { file, grant, request } = await storeFile({ uploads, ...app }, 'secret-name.png');
      const second = await storeFile({ uploads, ...app }, 'other.png');
      const open = await app.grant(png);
      await send(open.request, png);
      await uploads.copy(file.uploadId, { to: { ownerId: 'bob' } });
      // A process died after it had recorded a deletion and before it deleted the object.
      await ledger.delete({ uploadId: second.file.uploadId });
      const stopped = await uploads.forgetOwner('alice', { signal: AbortSignal.abort() });
      expect(stopped).toMatchObject({ done: false, filesDeleted: 0 });
      const report = await uploads.forgetOwner('alice', { actor: 'privacy' });
      expect(report).toMatchObject({ ownerId: 'alice', done: true, uploadsAborted: 1, recordsErased: 3, busy: 0 });
      for (const key of [file.key, second.file.key]) expect(await store.storage().head(key)).toBeNull();
      const rows = await testLedger.query('select * from waybill_uploads');
      expect(JSON.stringify(rows.filter(({ owner_id }) => owner_id !== 'bob'))).not.toMatch(/alice|secret-name/);
      expect((await uploads.audit({ ownerId: 'alice' })).entries).toMatchObject([
        { action: 'forgotten', actor: 'privacy', uploadId: null },
      ]);
      expect(await uploads.usage('alice')).toMatchObject({ storedFiles: 0, pendingFiles: 0, routes: {} });
      expect((await uploads.list({ ownerId: 'bob' })).files).toHaveLength(1);
      // Unexpired URLs and grants bring nothing back.
      await send(request, png);
      for (const one of [grant, open.grant]) expect((await app.complete(one)).json.error?.code).toBe('upload_conflict');
      expect((await uploads.list({ ownerId: 'alice' })).files).toEqual([]);
      expect(await uploads.forgetOwner('alice')).toMatchObject({ done: true, recordsErased: 0 });
    });
  });

  it('without a ledger the storage answers what it can, and the rest is refused', async () => {
    const routes = { a: route({ limits, authorize }), open: route({ limits, authorize: anyone }) };
    const { uploads, ...app } = createTestApp(store.storage(), routes);
    const ownerId = `alice-${Date.now()}`;
    const named = { ...app, uploads, grant: app.grant };
    const first = await storeFile(named, 'Überblick.png');
    expect(first.file.key).toContain('a/alice/');
    const { file } = first;
    expect(await uploads.head(file.url)).toMatchObject({ fileName: 'Überblick.png', size: png.length, key: file.key });
    const copy = await uploads.copy(file.url, { to: { ownerId } });
    const page = await uploads.list({ ownerId, route: 'a' });
    expect(page.files).toMatchObject([{ fileName: 'Überblick.png', uploadId: copy.uploadId, ownerId }]);
    expect(await uploads.head(page.files[0]?.url ?? '')).toMatchObject({ uploadId: copy.uploadId });
    for (const refused of [
      uploads.head(file.uploadId),
      uploads.rename(file.url, 'b.png'),
      uploads.list({ ownerId }),
      uploads.audit({ ownerId }),
      uploads.exportOwner(ownerId),
    ])
      expect(await codeOf(refused)).toBe('config_invalid');
    expect(() => createTestApp(store.storage(), routes, { keepAuditDays: 5 })).toThrow(/keepAuditDays` needs a ledger/);
    const open = await app.grant(png);
    await send(open.request, png);
    expect(await uploads.forgetOwner(ownerId)).toMatchObject({ done: true, filesDeleted: 1, uploadsAborted: 0 });
    expect(await uploads.forgetOwner('alice')).toMatchObject({ done: true, uploadsAborted: 1 });
    expect(await uploads.head(file.url)).toBeNull();
    expect((await app.complete(open.grant)).json.error?.code).toBe('upload_conflict');
    const keyed = createTestApp(store.storage(), {
      k: route({ limits, authorize, key: ({ uploadId }) => `k/${uploadId}` }),
    });
    expect(await codeOf(keyed.uploads.forgetOwner('alice'))).toBe('config_invalid');
    expect(await codeOf(keyed.uploads.list({ ownerId: 'alice', route: 'k' }))).toBe('config_invalid');
  });
});
