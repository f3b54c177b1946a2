/** F4: what an owner has at the storage is never more than what the quota counts, whatever became of the uploads. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { SingleGrant } from '../../src/protocol/index.ts';
import { route, type UploadsOptions } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, send, startApp } from './app.ts';

const size = 1000;
const hour = 3_600_000;
const bytesOf = () => randomBytes(size);
const declared = { contentType: 'application/octet-stream', fileName: 'a.bin' };

forEachStore(
  'what is stored',
  (store) => {
    forEachLedger('counts in', (place) => {
      const started: App[] = [];
      afterEach(async () => {
        await Promise.all(started.splice(0).map((one) => one.stop()));
      });

      async function start(options: Partial<UploadsOptions> = {}, more: object = {}) {
        const clock = { offset: 0 };
        const now = () => Date.now() + clock.offset;
        // A bucket of its own: all that is there is counted.
        const storage = store.storage({ bucket: await store.createBucket() });
        const files = route({
          limits: { maxBytes: 1024 * 1024, contentTypes: ['*/*'], minBytes: 0 },
          authorize: ({ request }) => ({ ownerId: request.header('x-user') ?? 'nobody' }),
          ...more,
        });
        const app = await startApp(store, {
          storage,
          ledger: await place.open({ now }),
          now,
          routes: { files },
          quota: { maxFiles: 3, maxBytes: 3 * size },
          ...options,
        } as never);
        started.push(app);
        const stored = async () => {
          const { objects } = await storage.list({ prefix: '' });
          return { bytes: objects.reduce((sum, one) => sum + one.size, 0), keys: objects.map(({ key }) => key) };
        };
        const counted = async () => {
          const { storedBytes, pendingBytes, storedFiles, pendingFiles } = await app.uploads.usage('alice');
          return { bytes: storedBytes + pendingBytes, files: storedFiles + pendingFiles };
        };
        return { app, clock, storage, stored, counted };
      }

      it('F4 an aborted upload gives its room back, and its request stores nothing more', async () => {
        const { app, stored, counted, clock } = await start();
        const requests: [SingleGrant['request'], Buffer][] = [];
        for (let n = 0; n < 8; n += 1) {
          const bytes = bytesOf();
          const { grant, request } = await app.grant(bytes, declared);
          if (n % 2) await send(request, bytes);
          expect((await app.abort(grant)).status).toBe(200);
          requests.push([request, bytes]);
        }
        expect(await counted()).toEqual({ bytes: 0, files: 0 });
        for (const [request, bytes] of requests) expect((await send(request, bytes)).status).toBe(412);
        expect((await stored()).bytes).toBe(0);
        clock.offset = hour;
        await app.uploads.sweep({ graceSeconds: 0 });
        expect((await stored()).keys).toEqual([]);
      });

      it('F4 a rejected, a completed and a deleted upload store nothing more either', async () => {
        const { app, stored, counted } = await start(
          {},
          {
            inspect: ({ file }: { file: { fileName: string } }) =>
              file.fileName === 'bad.bin' ? { reject: 'no' } : undefined,
          },
        );
        const bytes = bytesOf();
        const rejected = await app.grant(bytes, { ...declared, fileName: 'bad.bin' });
        await send(rejected.request, bytes);
        expect(errorOf(await app.complete(rejected.grant))).toBe('upload_rejected');
        const completed = await app.store(bytes, declared);
        const deleted = await app.store(bytes, declared);
        await app.uploads.deleteFile(deleted.completed.file.key);
        expect(await counted()).toEqual({ bytes: size, files: 1 });
        for (const { request } of [rejected, completed.upload, deleted.upload])
          expect((await send(request, bytes)).status).toBe(412);
        expect((await stored()).bytes).toBe(size);
        expect(errorOf(await app.complete(rejected.grant))).toBe('upload_rejected');
        expect(completedOf(await app.complete(completed.upload.grant)).file).toEqual(completed.completed.file);
        expect(errorOf(await app.complete(deleted.upload.grant))).toBe('upload_conflict');
      });

      it('F4 no form is granted where a quota counts: it could store again', async () => {
        const { app } = await start();
        expect((await app.info()).transfers).not.toContain('form');
        const { transfer } = await app.grant(bytesOf(), declared, { transfers: ['form', 'put'] });
        expect(transfer).toBe('put');
      });

      it('F4 where a second write cannot be refused, the room comes back when the request has expired', async () => {
        const { capabilities } = store.storage();
        const storage = store.storage({
          bucket: await store.createBucket(),
          capabilities: { ...capabilities, once: false, completeOnce: false, copyOnce: false } as never,
        });
        const { app, counted, clock } = await start({ storage });
        const bytes = bytesOf();
        const { grant, request } = await app.grant(bytes, declared);
        await app.abort(grant);
        expect(await counted()).toEqual({ bytes: size, files: 1 });
        expect((await send(request, bytes)).status).toBe(200);
        await app.uploads.sweep({ graceSeconds: 0 });
        expect(await counted()).toEqual({ bytes: size, files: 1 });
        clock.offset = hour;
        await app.uploads.sweep({ graceSeconds: 0 });
        expect(await counted()).toEqual({ bytes: 0, files: 0 });
        expect((await storage.list({ prefix: '' })).objects).toEqual([]);
      });

      it('F4 what comes after its permission expired is a file only where there is room for it', async () => {
        const { app, stored, counted, clock } = await start({ quota: { maxFiles: 1 } });
        const bytes = bytesOf();
        const late = await app.grant(bytes, declared);
        clock.offset = hour;
        await app.uploads.sweep();
        expect(await counted()).toEqual({ bytes: 0, files: 0 });
        const other = await app.store(bytes, declared);
        // The request began in time and ended late: for the storage it is still signed.
        expect((await send(late.request, bytes)).status).toBe(200);
        expect(errorOf(await app.complete(late.grant))).toBe('quota_exceeded');
        expect(await counted()).toEqual({ bytes: size, files: 1 });
        expect((await stored()).bytes).toBe(size);
        await app.uploads.deleteFile(other.completed.file.key);
        expect(errorOf(await app.complete(late.grant))).toBe('quota_exceeded');
        expect((await stored()).bytes).toBe(0);
      });

      it('F4 a shared file goes with the last upload that shares it, however that ends', async () => {
        const { app, stored, counted, clock } = await start({ quota: { maxFiles: 4 } }, { dedupe: true });
        for (const how of ['abort', 'expire', 'complete'] as const) {
          const bytes = bytesOf();
          const original = await app.store(bytes, declared);
          const files = [await app.declare(bytes, declared)];
          const ask = { route: 'files', files, transfers: ['put', 'none'] };
          const shared = (await app.call('POST', '/uploads', ask)).body.uploads?.[0] as unknown as SingleGrant;
          expect(shared.transfer).toBe('none');
          await app.uploads.deleteFile(original.completed.file.key);
          expect((await stored()).bytes).toBe(size);
          expect(await counted()).toEqual({ bytes: size, files: 1 });
          if (how === 'abort') await app.abort(shared.grant);
          if (how === 'complete') expect((await app.complete(shared.grant)).status).toBe(200);
          clock.offset += hour;
          await app.uploads.sweep({ graceSeconds: 0 });
          const left = await stored();
          expect(left.bytes).toBe((await counted()).bytes);
          for (const key of left.keys) await app.uploads.deleteFile(key);
          expect((await stored()).keys).toEqual([]);
          expect(await counted()).toEqual({ bytes: 0, files: 0 });
        }
      });

      const step = fc.oneof(
        { weight: 4, arbitrary: fc.constant('grant' as const) },
        { weight: 4, arbitrary: fc.constant('send' as const) },
        { weight: 3, arbitrary: fc.constant('complete' as const) },
        { weight: 3, arbitrary: fc.constant('abort' as const) },
        { weight: 2, arbitrary: fc.constant('delete' as const) },
        { weight: 1, arbitrary: fc.constant('sweep' as const) },
        { weight: 1, arbitrary: fc.constant('wait' as const) },
      );
      const steps = fc.array(fc.record({ step, which: fc.nat(7) }), { minLength: 25, maxLength: 40, size: 'max' });

      it('F4 property: after any calls in any order no more is stored than is counted', {
        timeout: 240_000,
      }, async () => {
        let most = 0;
        await fc.assert(
          fc.asyncProperty(steps, async (sequence) => {
            const { app, stored, counted, clock } = await start();
            const uploads: { grant: string; request: SingleGrant['request']; bytes: Buffer }[] = [];
            const files: string[] = [];
            for (const { step, which } of sequence) {
              const one = uploads[which % Math.max(1, uploads.length)];
              if (step === 'grant') {
                const bytes = bytesOf();
                const upload = (await app.tryGrant(bytes, declared)).body.uploads?.[0];
                if (upload && 'grant' in upload) uploads.push({ grant: upload.grant, request: upload.request, bytes });
              }
              if (step === 'send' && one) await send(one.request, one.bytes);
              if (step === 'complete' && one) {
                const result = (await app.complete(one.grant)).body.results?.[0];
                if (result && 'file' in result) files.push(result.file.key);
              }
              if (step === 'abort' && one) await app.abort(one.grant);
              if (step === 'delete' && files.length > 0)
                await app.uploads.deleteFile(files[which % files.length] ?? '');
              if (step === 'sweep') await app.uploads.sweep({ graceSeconds: 0 });
              // Not so long that a request is over: that is what the sweep is for.
              if (step === 'wait') clock.offset += 60_000;
              const [there, count] = [await stored(), await counted()];
              most = Math.max(most, there.bytes);
              expect(there.bytes, JSON.stringify(sequence)).toBeLessThanOrEqual(count.bytes);
              expect(count.bytes).toBeLessThanOrEqual(3 * size);
            }
            await started.pop()?.stop();
          }),
          { numRuns: place.name === 'sqlite' ? 12 : 5 },
        );
        expect(most).toBeGreaterThanOrEqual(size);
      });
    });
  },
  { only: ['devstore'] },
);
