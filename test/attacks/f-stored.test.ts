/** F4: an owner never has more bytes in the storage than the quota counts. Attack ids: docs/threat-model.md. */
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
const makeBytes = () => randomBytes(size);
const declared = { contentType: 'application/octet-stream', fileName: 'a.bin' };

forEachStore(
  'stored bytes',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      const started: App[] = [];
      afterEach(async () => {
        await Promise.all(started.splice(0).map((each) => each.stop()));
      });

      async function start(options: Partial<UploadsOptions> = {}, routeOptions: object = {}) {
        const clock = { offset: 0 };
        const now = () => Date.now() + clock.offset;
        // A bucket of its own, because the test counts everything in it.
        const storage = store.storage({ bucket: await store.createBucket() });
        const files = route({
          limits: { maxBytes: 1024 * 1024, contentTypes: ['*/*'], minBytes: 0 },
          authorize: ({ request }) => ({ ownerId: request.header('x-user') ?? 'anonymous' }),
          ...routeOptions,
        });
        const app = await startApp(store, {
          storage,
          ledger: await testLedger.open({ now }),
          now,
          routes: { files },
          quota: { maxFiles: 3, maxBytes: 3 * size },
          ...options,
        } as never);
        started.push(app);
        const stored = async () => {
          const { objects } = await storage.list({ prefix: '' });
          return { bytes: objects.reduce((sum, object) => sum + object.size, 0), keys: objects.map(({ key }) => key) };
        };
        const counted = async () => {
          const { storedBytes, pendingBytes, storedFiles, pendingFiles } = await app.uploads.usage('alice');
          return { bytes: storedBytes + pendingBytes, files: storedFiles + pendingFiles };
        };
        return { app, clock, storage, stored, counted };
      }

      it('F4 an aborted upload releases its quota, and its request stores nothing more', async () => {
        const { app, stored, counted, clock } = await start();
        const requests: [SingleGrant['request'], Buffer][] = [];
        for (let n = 0; n < 8; n += 1) {
          const bytes = makeBytes();
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

      it('F4 the request of a rejected, completed or deleted upload stores nothing more', async () => {
        const { app, stored, counted } = await start(
          {},
          {
            inspect: ({ file }: { file: { fileName: string } }) =>
              file.fileName === 'bad.bin' ? { reject: 'no' } : undefined,
          },
        );
        const bytes = makeBytes();
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

      it('F4 a form is not granted where a quota counts, because a form can store again', async () => {
        const { app } = await start();
        expect((await app.info()).transfers).not.toContain('form');
        const { transfer } = await app.grant(makeBytes(), declared, { transfers: ['form', 'put'] });
        expect(transfer).toBe('put');
      });

      it('F4 the quota is released after expiry where the storage cannot refuse a second write', async () => {
        const { capabilities } = store.storage();
        const storage = store.storage({
          bucket: await store.createBucket(),
          capabilities: { ...capabilities, once: false, completeOnce: false, copyOnce: false } as never,
        });
        const { app, counted, clock } = await start({ storage });
        const bytes = makeBytes();
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

      it('F4 bytes that arrive after expiry become a file only when they fit the quota', async () => {
        const { app, stored, counted, clock } = await start({ quota: { maxFiles: 1 } });
        const bytes = makeBytes();
        const late = await app.grant(bytes, declared);
        clock.offset = hour;
        await app.uploads.sweep();
        expect(await counted()).toEqual({ bytes: 0, files: 0 });
        const other = await app.store(bytes, declared);
        // The storage accepts it: only the app's clock is ahead.
        expect((await send(late.request, bytes)).status).toBe(200);
        expect(errorOf(await app.complete(late.grant))).toBe('quota_exceeded');
        expect(await counted()).toEqual({ bytes: size, files: 1 });
        expect((await stored()).bytes).toBe(size);
        await app.uploads.deleteFile(other.completed.file.key);
        expect(errorOf(await app.complete(late.grant))).toBe('quota_exceeded');
        expect((await stored()).bytes).toBe(0);
      });

      it('F4 a shared file is deleted with the last upload that shares it, however that one ends', async () => {
        const { app, stored, counted, clock } = await start({ quota: { maxFiles: 4 } }, { dedupe: true });
        for (const end of ['abort', 'expire', 'complete'] as const) {
          const bytes = makeBytes();
          const original = await app.store(bytes, declared);
          const files = [await app.declare(bytes, declared)];
          const body = { route: 'files', files, transfers: ['put', 'none'] };
          const shared = (await app.call('POST', '/uploads', body)).body.uploads?.[0] as unknown as SingleGrant;
          expect(shared.transfer).toBe('none');
          await app.uploads.deleteFile(original.completed.file.key);
          expect((await stored()).bytes).toBe(size);
          expect(await counted()).toEqual({ bytes: size, files: 1 });
          if (end === 'abort') await app.abort(shared.grant);
          if (end === 'complete') expect((await app.complete(shared.grant)).status).toBe(200);
          clock.offset += hour;
          await app.uploads.sweep({ graceSeconds: 0 });
          const remaining = await stored();
          expect(remaining.bytes).toBe((await counted()).bytes);
          for (const key of remaining.keys) await app.uploads.deleteFile(key);
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

      it('F4 the stored bytes never exceed the counted bytes after any sequence of calls', {
        timeout: 240_000,
      }, async () => {
        let mostStored = 0;
        await fc.assert(
          fc.asyncProperty(steps, async (sequence) => {
            const { app, stored, counted, clock } = await start();
            const uploads: { grant: string; request: SingleGrant['request']; bytes: Buffer }[] = [];
            const files: string[] = [];
            for (const { step, which } of sequence) {
              const chosen = uploads[which % Math.max(1, uploads.length)];
              if (step === 'grant') {
                const bytes = makeBytes();
                const upload = (await app.tryGrant(bytes, declared)).body.uploads?.[0];
                if (upload && 'grant' in upload) uploads.push({ grant: upload.grant, request: upload.request, bytes });
              }
              if (step === 'send' && chosen) await send(chosen.request, chosen.bytes);
              if (step === 'complete' && chosen) {
                const result = (await app.complete(chosen.grant)).body.results?.[0];
                if (result && 'file' in result) files.push(result.file.key);
              }
              if (step === 'abort' && chosen) await app.abort(chosen.grant);
              if (step === 'delete' && files.length > 0)
                await app.uploads.deleteFile(files[which % files.length] ?? '');
              if (step === 'sweep') await app.uploads.sweep({ graceSeconds: 0 });
              // Requests do not expire here: another test covers expiry.
              if (step === 'wait') clock.offset += 60_000;
              const [current, count] = [await stored(), await counted()];
              mostStored = Math.max(mostStored, current.bytes);
              expect(current.bytes, JSON.stringify(sequence)).toBeLessThanOrEqual(count.bytes);
              expect(count.bytes).toBeLessThanOrEqual(3 * size);
            }
            await started.pop()?.stop();
          }),
          { numRuns: testLedger.name === 'sqlite' ? 12 : 5 },
        );
        expect(mostStored).toBeGreaterThanOrEqual(size);
      });
    });
  },
  { only: ['devstore'] },
);
