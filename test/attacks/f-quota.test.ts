/** B3, B4, C11, E4 and F1 with a ledger: the quota and what counts against it. Attack ids: docs/threat-model.md. */
import { afterEach, expect, it } from 'vitest';
import { route, type UploadsOptions } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, errorOf, png, send, startApp } from './app.ts';

const html = Buffer.from('<!doctype html><script>alert(1)</script>');

forEachStore('quota', (store) => {
  forEachLedger('ledger', (testLedger) => {
    const started: App[] = [];
    async function start(options: Partial<UploadsOptions> = {}): Promise<App> {
      const app = await startApp(store, { ledger: await testLedger.open(), ...options } as never);
      started.push(app);
      return app;
    }
    afterEach(async () => {
      await Promise.all(started.splice(0).map((each) => each.stop()));
    });
    const usage = (app: App) => app.uploads.usage('alice');
    // Where a quota counts, an empty object at the staging key makes the storage refuse an unexpired request (F4).
    const stagedBytes = async (app: App, uploadId: string) =>
      (await app.storage.head(`incoming/${uploadId}`))?.size ?? 0;

    it('F1 a hundred grants at once with a quota of three files give three grants', async () => {
      const app = await start({ quota: { maxFiles: 3 } });
      const answers = await Promise.all(Array.from({ length: 100 }, () => app.tryGrant(png)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
      const refused = answers.filter(({ status }) => status !== 200);
      expect(new Set(refused.map(errorOf))).toEqual(new Set(['quota_exceeded']));
      for (const { text } of refused) expect(text).not.toMatch(/X-Amz-Signature|"grant"/);
      expect(await usage(app)).toMatchObject({ pendingFiles: 3, pendingBytes: 3 * png.length });
      expect((await app.tryGrant(png, {}, { user: 'bob' })).status).toBe(200);
    });

    it('B3 fifty completions of one grant at once give one callback and one result', async () => {
      const app = await start();
      const upload = await app.grant(png);
      await send(upload.request, png);
      const answers = await Promise.all(Array.from({ length: 50 }, () => app.complete(upload.grant)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(app.announced).toHaveLength(1);
    });

    it('E4 a rejected file is deleted and its reservation is released', async () => {
      const app = await start({ quota: { maxFiles: 1 } });
      const upload = await app.grant(html, { contentType: 'image/png' });
      expect((await send(upload.request, html)).status).toBeLessThan(300);
      expect((await app.tryGrant(png)).status).toBe(403);
      expect(errorOf(await app.complete(upload.grant))).toBe('content_type_mismatch');
      expect(await usage(app)).toMatchObject({ pendingFiles: 0, pendingBytes: 0, storedBytes: 0 });
      expect(await stagedBytes(app, upload.uploadId)).toBe(0);
      expect((await app.tryGrant(png)).status).toBe(200);
    });

    it('C11 bytes that are sent after the end of their upload become no file and occupy no space', async () => {
      const app = await start({ quota: { maxFiles: 2 } });
      const { upload, completed } = await app.store(png);
      const aborted = await app.grant(png);
      await app.abort(aborted.grant);
      await app.uploads.deleteFile(completed.file.key);
      expect(await usage(app)).toMatchObject({ storedFiles: 0, pendingFiles: 0 });
      for (const { request, uploadId } of [upload, aborted]) {
        // The empty object that closes the staging key can be lost, for example to a lifecycle rule.
        await app.storage.delete(`incoming/${uploadId}`);
        expect((await send(request, png)).status).toBeLessThan(300);
      }
      for (const { grant } of [upload, aborted]) expect(errorOf(await app.complete(grant))).toBe('upload_conflict');
      for (const { uploadId } of [upload, aborted]) expect(await stagedBytes(app, uploadId)).toBe(0);
      expect(await app.storage.head(completed.file.key)).toBeNull();
      expect(await usage(app)).toMatchObject({ storedFiles: 0, pendingFiles: 0 });
    });

    it('F1 a grant that never completes releases its reservation', async () => {
      let offset = 0;
      const now = () => Date.now() + offset;
      const ledger = await testLedger.open({ now });
      const app = await start({ ledger, now, quota: { maxFiles: 1 } });
      await app.grant(png);
      expect(errorOf(await app.tryGrant(png))).toBe('quota_exceeded');
      offset = 3_600_000;
      await app.uploads.sweep();
      expect(await usage(app)).toMatchObject({ pendingFiles: 0 });
      expect((await app.tryGrant(png)).status).toBe(200);
    });

    it('F1 bytes that arrive after the reservation was released become a file and count', async () => {
      let offset = 0;
      const now = () => Date.now() + offset;
      const ledger = await testLedger.open({ now });
      const app = await start({ ledger, now, quota: { maxFiles: 1 } });
      const upload = await app.grant(png);
      offset = 3_600_000;
      await app.uploads.sweep();
      await send(upload.request, png);
      expect((await app.complete(upload.grant)).status).toBe(200);
      expect(await usage(app)).toMatchObject({ storedFiles: 1, pendingFiles: 0 });
    });

    it('B4 another owner can neither complete nor abort a recorded upload', async () => {
      const app = await start();
      const upload = await app.grant(png);
      await send(upload.request, png);
      for (const call of [app.complete, app.abort])
        expect(errorOf(await call(upload.grant, { 'x-user': 'mallory' }))).toBe('upload_not_found');
      expect((await app.complete(upload.grant)).status).toBe(200);
      expect(errorOf(await app.abort(upload.grant))).toBe('upload_conflict');
    });

    it('F1 a stream reserves maxBytes', async () => {
      const app = await start({
        routes: {
          files: route({
            limits: { maxBytes: 50 * 1024 * 1024 },
            authorize: () => ({ ownerId: 'alice' }),
            quota: { maxPendingBytes: 60 * 1024 * 1024 },
          }),
        },
      });
      const files = [{ fileName: 'a.bin', size: null, contentType: 'application/octet-stream' }];
      const grantStream = () => app.call('POST', '/uploads', { route: 'files', files, transfers: ['multipart'] });
      expect((await grantStream()).status).toBe(200);
      expect(errorOf(await grantStream())).toBe('quota_exceeded');
    });
  });
});
