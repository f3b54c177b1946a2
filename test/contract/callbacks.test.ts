/** `onReject`, `onExpire` and `onDelete`, and the webhooks of the same three changes. */
import * as v from 'valibot';
import { expect, it } from 'vitest';
import {
  type DeleteInput,
  type ExpireInput,
  type Ledger,
  type Owner,
  type RejectInput,
  route,
  type UploadsEvent,
} from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { hour } from '../support/sweep-app.ts';

const limits = { maxBytes: 100_000_000 };
const quota = { maxFiles: 1000 };
const authorize = (): Owner => ({ ownerId: 'anna' });
const webhooks = { url: 'https://app.example/waybill', secret: `whsec_${Buffer.alloc(24, 7).toString('base64')}` };
const declared = { metadata: { albumId: 'a1' } };

interface Album {
  albumId: string;
}

forEachStore(
  'callbacks after the end',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      /** `fail` decides whether a callback throws. */
      async function start({ fail = () => false, replace = false }: { fail?: () => boolean; replace?: boolean } = {}) {
        const clock = { offset: 0 };
        const now = () => Date.now() + clock.offset;
        const ledger = await testLedger.open({ now });
        const calls = {
          onReject: [] as RejectInput<Album>[],
          onExpire: [] as ExpireInput<Album>[],
          onDelete: [] as DeleteInput<Album>[],
        };
        const events: UploadsEvent[] = [];
        let rejects = false;
        const record =
          <Input>(called: Input[]) =>
          (input: Input) => {
            called.push(input);
            if (fail()) throw new Error('the database of the app is down');
          };
        const common = {
          limits,
          authorize,
          quota,
          metadata: v.object({ albumId: v.string() }),
          inspect: () => (rejects ? { reject: 'No.' } : undefined),
          ...(replace ? { replace, key: () => 'same-key.png' } : {}),
        };
        const callbacks = {
          onReject: record(calls.onReject),
          onExpire: record(calls.onExpire),
          onDelete: record(calls.onDelete),
        };
        const options = { ledger, now, webhooks, publicUrl: 'https://uploads.example', multipartMinBytes: partSize };
        const storage = store.storage({ bucket: await store.createBucket() });
        const app = createTestApp(
          storage,
          { a: route({ ...common, ...callbacks }) },
          { ...options, onEvent: (event) => events.push(event) },
        );
        const sendAndComplete = async () => {
          const upload = await app.grant(png, declared);
          await send(upload.request, png);
          const { status, json } = await app.complete(upload.grant);
          return { upload, status, json, file: json.results?.[0]?.file };
        };
        return {
          app,
          calls,
          clock,
          events,
          ledger,
          parts: createParts(app),
          sendAndComplete,
          /** The same app before it had the callbacks. */
          olderApp: createTestApp(storage, { a: route(common) }, options),
          rejectAll: () => {
            rejects = true;
          },
        };
      }

      it('onReject() gets the granted file and the reason once, and the quota is free', async () => {
        const { app, calls, ledger, rejectAll, sendAndComplete } = await start();
        rejectAll();
        const { upload, status, json } = await sendAndComplete();
        expect([status, json.error?.code]).toEqual([422, 'upload_rejected']);
        const { uploadId } = upload;
        expect(calls.onReject).toEqual([
          {
            ...{ uploadId, ownerId: 'anna', ...declared, code: 'upload_rejected', message: 'No.' },
            file: {
              key: `a/anna/${uploadId}.png`,
              fileName: 'photo.png',
              contentType: 'image/png',
              size: png.length,
              checksum: app.checksumOf(png),
            },
          },
        ]);
        expect(await app.uploads.usage('anna')).toMatchObject({ pendingFiles: 0, storedFiles: 0 });
        // The client asks again, and the sweep runs.
        await app.complete(upload.grant);
        await app.uploads.sweep();
        expect(calls.onReject).toHaveLength(1);
        expect(await ledger.find(uploadId)).toMatchObject({ state: 'rejected', pendingCallback: null });
      });

      it('a callback that throws changes nothing, and runs again until it returns', async () => {
        let down = true;
        const { app, calls, clock, events, ledger, rejectAll, sendAndComplete } = await start({ fail: () => down });
        rejectAll();
        const { upload, json } = await sendAndComplete();
        expect(json.error?.code).toBe('upload_rejected');
        expect(events).toContainEqual(expect.objectContaining({ type: 'callback.failed', callback: 'onReject' }));
        expect(await ledger.find(upload.uploadId)).toMatchObject({ state: 'rejected', isReserved: false });
        expect(await app.uploads.usage('anna')).toMatchObject({ pendingFiles: 0 });
        await app.uploads.sweep();
        expect(calls.onReject).toHaveLength(1);
        clock.offset += hour;
        expect(await app.uploads.sweep()).toMatchObject({ callbacksFailed: 1, failed: 0 });
        down = false;
        clock.offset += hour;
        expect(await app.uploads.sweep({ dryRun: true })).toMatchObject({ callbacksFailed: 0 });
        expect(calls.onReject).toHaveLength(2);
        expect(await app.uploads.sweep()).toMatchObject({ callbacksFailed: 0, failed: 0 });
        clock.offset += hour;
        await app.uploads.sweep();
        expect(calls.onReject.map(({ uploadId }) => uploadId)).toEqual(Array(3).fill(upload.uploadId));
      });

      it('a callback is parked after 12 runs, and runs again after unpark()', async () => {
        let down = true;
        const { app, calls, clock, ledger, sendAndComplete } = await start({ fail: () => down });
        const { upload, file } = await sendAndComplete();
        expect(await app.uploads.deleteFile(file?.key ?? '')).toBe(true);
        for (let n = 0; n < 14; n += 1) {
          clock.offset += 2 * hour;
          await app.uploads.sweep();
        }
        expect(calls.onDelete).toHaveLength(12);
        expect(await ledger.counts()).toMatchObject({ parkedCallbacks: 1, waitingCallbacks: 0 });
        down = false;
        expect(await ledger.unpark(upload.uploadId)).toBe(true);
        await app.uploads.sweep();
        expect(calls.onDelete).toHaveLength(13);
        expect(await ledger.counts()).toMatchObject({ parkedCallbacks: 0, waitingCallbacks: 0 });
      });

      it('onExpire() runs for uploads that were not sent and for abandoned parts, but not for aborted ones', async () => {
        let down = true;
        const { app, calls, clock, events, ledger, parts } = await start({ fail: () => down });
        const unsent = await app.grant(png, declared);
        const half = await parts.begin(pngOf(2 * partSize), declared);
        await parts.send(half.grant, pngOf(2 * partSize), [1]);
        const aborted = await app.grant(png, declared);
        await app.abort(aborted.grant);
        clock.offset = 48 * hour;
        expect(await app.uploads.sweep()).toMatchObject({ expired: 2, callbacksFailed: 2, failed: 0 });
        const ids = [unsent.uploadId, half.uploadId].sort();
        expect(events.flatMap((event) => (event.type === 'upload.expired' ? event.uploadId : [])).sort()).toEqual(ids);
        // The quota is free although the callback failed.
        expect(await app.uploads.usage('anna')).toMatchObject({ pendingFiles: 0 });
        down = false;
        calls.onExpire.length = 0;
        clock.offset += hour;
        await app.uploads.sweep();
        expect(calls.onExpire.map(({ uploadId }) => uploadId).sort()).toEqual(ids);
        const input = calls.onExpire.find(({ uploadId }) => uploadId === half.uploadId);
        expect(input).toMatchObject({ ownerId: 'anna', ...declared, file: { size: 2 * partSize, checksum: null } });
        expect(typesOf(await ledger.listWebhooks())).toEqual(['upload.expired', 'upload.expired']);
        // Bytes that arrive even later complete the upload.
        await send(unsent.request, png);
        expect((await app.complete(unsent.grant)).status).toBe(200);
      });

      it('onDelete() says who deleted the file and why', async () => {
        const { app, calls, ledger, sendAndComplete } = await start();
        const first = await sendAndComplete();
        const { url = '', ...facts } = first.file ?? {};
        expect((await app.call('DELETE', new URL(url).pathname)).status).toBe(204);
        const second = await sendAndComplete();
        await app.uploads.deleteFile(second.file?.key ?? '', { actor: 'admin-7' });
        expect(calls.onDelete).toEqual([
          {
            ...{ uploadId: first.upload.uploadId, ownerId: 'anna', ...declared, file: facts },
            ...{ reason: 'request', actor: 'anna' },
          },
          expect.objectContaining({ uploadId: second.upload.uploadId, reason: 'server', actor: 'admin-7' }),
        ]);
        expect((await app.call('DELETE', new URL(url).pathname)).status).toBe(204);
        await app.uploads.sweep();
        expect(calls.onDelete).toHaveLength(2);
        const { webhooks: sent } = await ledger.listWebhooks();
        const deleted = sent.filter(({ type }) => type === 'file.deleted').map(({ payload }) => JSON.parse(payload));
        expect(deleted.map(({ data }) => [data.reason, data.actor, data.file.url])).toEqual([
          ['server', 'admin-7', undefined],
          ['request', 'anna', undefined],
        ]);
        expect(deleted[1].data).toEqual(calls.onDelete[0] && { route: 'a', ...calls.onDelete[0] });
      });

      it('an onDelete() that throws keeps the record of its file until it has returned, also in forgetOwner()', async () => {
        let down = true;
        const { app, calls, clock, ledger, sendAndComplete } = await start({ fail: () => down });
        const { upload, file } = await sendAndComplete();
        const forget = () => app.uploads.forgetOwner('anna', { actor: 'privacy' });
        expect(await forget()).toMatchObject({ done: false, filesDeleted: 1, recordsErased: 0, busy: 1 });
        const view = await app.call('GET', new URL(file?.url ?? '').pathname);
        expect((await fetch(view.headers.location ?? '')).status).toBe(404);
        expect(await ledger.find(upload.uploadId)).toMatchObject({ ownerId: 'anna', state: 'deleted' });
        expect(await forget()).toMatchObject({ done: false, recordsErased: 0, busy: 1 });
        expect(calls.onDelete).toHaveLength(1);
        down = false;
        clock.offset += hour;
        await app.uploads.sweep();
        expect(calls.onDelete).toHaveLength(2);
        expect(calls.onDelete[1]).toEqual(calls.onDelete[0]);
        expect(calls.onDelete[1]).toMatchObject({ ownerId: 'anna', reason: 'server', actor: 'privacy' });
        expect(await forget()).toMatchObject({ done: true, recordsErased: 1, busy: 0 });
        expect(await ledger.find(upload.uploadId)).toMatchObject({ ownerId: '', file: null });
        clock.offset += hour;
        await app.uploads.sweep();
        expect(calls.onDelete).toHaveLength(2);
      });

      it('onDelete() runs for a file that a later upload replaces', async () => {
        const { app, calls, sendAndComplete } = await start({ replace: true });
        const [first, second] = [await sendAndComplete(), await sendAndComplete()];
        expect(calls.onDelete).toMatchObject([
          { uploadId: first.upload.uploadId, reason: 'replaced', actor: 'anna', file: { key: 'same-key.png' } },
        ]);
        expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 1 });
        expect(second.status).toBe(200);
      });

      it('a process without the callback leaves it to one that has it', async () => {
        let down = true;
        const { app, calls, clock, olderApp, sendAndComplete } = await start({ fail: () => down });
        const { file } = await sendAndComplete();
        await app.uploads.deleteFile(file?.key ?? '');
        down = false;
        clock.offset += hour;
        expect(await olderApp.uploads.sweep()).toMatchObject({ callbacksFailed: 0, failed: 0 });
        clock.offset += 2 * hour;
        await app.uploads.sweep();
        expect(calls.onDelete).toHaveLength(2);
      });

      it('each change writes one webhook, and a delivered message about a deleted file is removed', async () => {
        const { app, ledger, rejectAll, sendAndComplete } = await start();
        const { upload, file } = await sendAndComplete();
        await app.uploads.deleteFile(file?.key ?? '');
        rejectAll();
        const rejected = await sendAndComplete();
        const { webhooks: written } = await ledger.listWebhooks();
        expect(written.map(({ webhookId }) => webhookId).sort()).toEqual(
          [
            `msg_${upload.uploadId}_completed`,
            `msg_${upload.uploadId}_deleted`,
            `msg_${rejected.upload.uploadId}_rejected`,
          ].sort(),
        );
        for (const { webhookId } of await ledger.takeWebhooks(10, 1000)) await ledger.recordWebhookDelivery(webhookId);
        expect(typesOf(await ledger.listWebhooks())).toEqual(['upload.rejected']);
      });
    });

    it('onReject() without a ledger is called once by the process that rejects, even if it throws', async () => {
      const called: string[] = [];
      const events: UploadsEvent[] = [];
      const app = createTestApp(
        store.storage(),
        {
          a: route({
            limits,
            authorize,
            inspect: () => ({ reject: 'No.' }),
            onReject: ({ uploadId, code, message, file }) => {
              called.push(`${uploadId} ${code} ${message} ${file.size}`);
              throw new Error('down');
            },
          }),
        },
        { onEvent: (event) => events.push(event) },
      );
      const upload = await app.grant(png);
      await send(upload.request, png);
      for (const _ of [1, 2]) expect((await app.complete(upload.grant)).json.error?.code).toBe('upload_rejected');
      // The bytes are sent again under the same URL.
      await send(upload.request, png);
      await app.complete(upload.grant);
      expect(called).toEqual([`${upload.uploadId} upload_rejected No. ${png.length}`]);
      expect(events).toContainEqual(expect.objectContaining({ type: 'callback.failed', callback: 'onReject' }));
    });

    it.each(['onExpire', 'onDelete'] as const)('createUploads() refuses %s without a ledger', (name) => {
      const routes = { a: route({ limits, authorize, [name]: () => {} }) };
      expect(() => createTestApp(store.storage(), routes)).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(`routes.a.${name}`) }),
      );
      expect(() => createTestApp(store.storage(), routes, { ledger: {} as Ledger })).not.toThrow();
    });
  },
  { only: ['devstore'] },
);

const typesOf = ({ webhooks: found }: Awaited<ReturnType<Ledger['listWebhooks']>>) =>
  found.map(({ type }) => type).sort();
