/** The parts of the sweep that need a ledger: orphans, parked callbacks, removed routes, one replica at a time. */
import { expect, it } from 'vitest';
import { route, type SweepReport, startUpkeep } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket, ungrantedId } from '../support/sweep-app.ts';

forEachStore(
  'sweep with a ledger',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      it('sweep() reports orphans, and deletes them with deleteOrphans', async () => {
        const storage = store.storage({ bucket: await store.createBucket() });
        const clock = { offset: 0 };
        const ledger = await testLedger.open({ now: () => Date.now() + clock.offset });
        const { app } = createSweepApp({ storage, ledger, clock });
        const upload = await app.grant(png);
        await send(upload.request, png);
        await app.complete(upload.grant);
        const metadata = { 'waybill-upload': ungrantedId };
        await storage.put({ key: 'a/anna/lost.png', body: 'x', metadata });
        await storage.put({ key: 'b/of-others.png', body: 'x' });
        await storage.createMultipart({ key: 'a/anna/parts.png', contentType: 'image/png' });
        clock.offset = 48 * hour;
        const report = await app.uploads.sweep({ orphans: true });
        expect(report.orphans).toMatchObject([
          { key: 'a/anna/lost.png', kind: 'object', size: 1, removed: false },
          { key: 'b/of-others.png', kind: 'object', size: 1, removed: false },
          { key: 'a/anna/parts.png', kind: 'multipart', size: null, removed: false },
        ]);
        expect((await ledger.lastSweep())?.orphans).toEqual(report.orphans);
        expect(await storage.head('a/anna/lost.png')).not.toBeNull();
        // A sweep without `orphans` keeps the recorded orphans of the last one.
        expect((await app.uploads.sweep()).orphans).toEqual([]);
        expect((await ledger.lastSweep())?.orphans).toEqual(report.orphans);
        const before = await listBucket(storage);
        expect(await app.uploads.sweep({ deleteOrphans: true, dryRun: true })).toMatchObject({
          deleted: 1,
          aborted: 0,
        });
        expect(await listBucket(storage)).toEqual(before);
        // Objects without a mark and parts may belong to others, so they are kept.
        expect(await app.uploads.sweep({ deleteOrphans: true })).toMatchObject({ deleted: 1, aborted: 0, failed: 0 });
        expect(await listBucket(storage)).toEqual(before.filter((key) => key !== 'a/anna/lost.png'));
        expect(await app.uploads.sweep({ deleteOrphans: true, orphanPrefix: 'a/' })).toMatchObject({ aborted: 1 });
        expect(await listBucket(storage)).toEqual([`a/anna/${upload.uploadId}.png`, 'b/of-others.png']);
        await expect(app.uploads.sweep({ dry: true } as never)).rejects.toMatchObject({ code: 'config_invalid' });
      });

      it('sweep() expires uploads of a removed route, and completes them when the route is back', async () => {
        const storage = store.storage({ bucket: await store.createBucket() });
        const clock = { offset: 0 };
        const ledger = await testLedger.open({ now: () => Date.now() + clock.offset });
        const { app, parts, announced } = createSweepApp({ storage, ledger, clock });
        const upload = await app.grant(png);
        await send(upload.request, png);
        const half = await parts.begin(pngOf(2 * partSize));
        const other = createTestApp(
          storage,
          { b: route({ limits: { maxBytes: 10 }, authorize: () => ({ ownerId: 'anna' }) }) },
          { ledger, now: () => Date.now() + clock.offset },
        );
        clock.offset = hour;
        expect(await other.uploads.sweep()).toMatchObject({ completed: 0, expired: 1, deleted: 0, failed: 0 });
        clock.offset = 30 * hour;
        expect(await other.uploads.sweep()).toMatchObject({ expired: 1, aborted: 1, deleted: 0, failed: 0 });
        expect(await app.uploads.usage('anna')).toMatchObject({ pendingFiles: 0 });
        expect(await app.uploads.sweep()).toMatchObject({ completed: 1, failed: 0 });
        expect(announced).toEqual([upload.uploadId]);
        expect((await parts.complete(half.grant)).json.error?.code).toBe('upload_expired');
      });

      it('only one replica sweeps at a time', async () => {
        const ledger = await testLedger.open();
        const other = await testLedger.reopen();
        let running = 0;
        let sweeps = 0;
        const report = {} as SweepReport;
        const finished = new Promise<void>((resolve, reject) => {
          const uploads = {
            handleStorageEvent: () => Promise.reject(new Error('There is no queue.')),
            async sweep() {
              running += 1;
              if (running > 1) reject(new Error('two at once'));
              // Several calls to the database, so that the other replica could begin meanwhile.
              for (let n = 0; n < 5; n += 1) await ledger.ping();
              running -= 1;
              sweeps += 1;
              return report;
            },
          };
          const loops = [ledger, other, ledger].map((held) =>
            startUpkeep(
              { ...uploads, ledger: held, deliverWebhooks: undefined },
              {
                everySeconds: 0.001,
                onError: reject,
                onReport: () => {
                  if (sweeps >= 20) Promise.all(loops.map((loop) => loop.stop())).then(() => resolve(), reject);
                },
              },
            ),
          );
        });
        await finished;
        expect(sweeps).toBeGreaterThanOrEqual(20);
        // The stopped loops have released the lock.
        expect(await other.lock('sweep', 'another', 1000)).toBe(true);
      });

      it('sweep() parks a callback that never succeeds, and calls it again after unpark()', async () => {
        const storage = store.storage({ bucket: await store.createBucket() });
        const clock = { offset: 0 };
        const ledger = await testLedger.open({ now: () => Date.now() + clock.offset });
        let fail = true;
        const { app, announced } = createSweepApp({ storage, ledger, clock }, { fail: () => fail });
        const upload = await app.grant(png);
        await send(upload.request, png);
        let tries = 0;
        for (; (await ledger.find(upload.uploadId))?.callback.parkedAt === null && tries < 50; tries += 1) {
          clock.offset += 2 * hour;
          await app.uploads.sweep();
        }
        expect(tries).toBe(12);
        clock.offset += 100 * hour;
        await app.uploads.sweep();
        const parked = await ledger.find(upload.uploadId);
        expect(parked).toMatchObject({ state: 'completing', callback: { attempts: 12 } });
        fail = false;
        expect(await ledger.unpark(upload.uploadId)).toBe(true);
        await app.uploads.sweep();
        expect(announced).toEqual([upload.uploadId]);
      });
    });
  },
  // sweep.test.ts covers the differences between stores.
  { only: ['devstore'] },
);
