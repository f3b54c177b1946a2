/** Uploads with a ledger, on both databases: states, quota, retries, metadata, deletes and shared files. */
import { expect, it } from 'vitest';
import type { FileDeclaration } from '../../src/protocol/index.ts';
import { type Owner, route } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100_000_000 };
const transfers = ['form', 'put', 'none'] as const;

forEachStore('uploads with a ledger', (store) => {
  forEachLedger('ledger', (testLedger) => {
    it('the ledger records each step of an upload', async () => {
      const ledger = await testLedger.open();
      const app = createTestApp(
        store.storage(),
        { a: route({ limits, authorize: owner, onComplete: () => 'hello' }) },
        { ledger },
      );
      const upload = await app.grant(png);
      const { uploadId } = upload;
      expect(await ledger.find(uploadId)).toMatchObject({
        state: 'granted',
        transfer: 'put',
        reservedBytes: png.length,
      });
      expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: png.length, storedBytes: 0 });
      const early = await app.complete(upload.grant);
      expect(early.json.error?.code).toBe('object_not_ready');
      expect(await send(upload.request, png)).toBe(200);
      const { json } = await app.complete(upload.grant);
      expect(json.results).toMatchObject([{ uploadId, data: 'hello', file: { size: png.length } }]);
      const record = await ledger.find(uploadId);
      expect(record).toMatchObject({ state: 'completed', data: 'hello', file: json.results?.[0]?.file });
      expect(record?.callback).toMatchObject({ attempts: 1, interruptions: 0 });
      expect(await app.uploads.usage('anna')).toMatchObject({
        pendingBytes: 0,
        storedBytes: png.length,
        storedFiles: 1,
      });
      expect((await app.complete(upload.grant)).json.results).toEqual(json.results);
      // Staging contains nothing of the upload, not even a marker.
      const left = (await store.storage().list({ prefix: 'incoming/' })).objects;
      expect(left.filter(({ key }) => key.includes(uploadId))).toEqual([]);
    });

    it('B3 fifty completions at once on two replicas give one callback and one result', async () => {
      const ledgers = [await testLedger.open(), testLedger.name === 'postgres' ? await testLedger.reopen() : undefined];
      let calls = 0;
      const routes = { a: route({ limits, authorize: owner, onComplete: () => ({ calls: ++calls }) }) };
      const apps = ledgers.map((ledger) =>
        createTestApp(store.storage(), routes, { ledger: ledger ?? (ledgers[0] as never) }),
      );
      const [first, second] = apps as [(typeof apps)[0], (typeof apps)[0]];
      const upload = await first.grant(png);
      await send(upload.request, png);
      await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? first : second).complete(upload.grant)));
      const answers = await Promise.all(apps.map((app) => app.complete(upload.grant)));
      expect(calls).toBe(1);
      expect(answers.map(({ json }) => json.results)).toMatchObject([
        [{ data: { calls: 1 } }],
        [{ data: { calls: 1 } }],
      ]);
      expect(answers[0]?.json.results).toEqual(answers[1]?.json.results);
    });

    it('F1 a file that exceeds the quota is refused alone, and nothing is signed for it', async () => {
      const ledger = await testLedger.open();
      const routes = { a: route({ limits: { ...limits, maxFiles: 100 }, authorize: owner, quota: { maxFiles: 3 } }) };
      const app = createTestApp(store.storage(), routes, { ledger, quota: { maxBytes: 1_000_000 } });
      const { json, status } = await app.call('POST', '/uploads', {
        route: 'a',
        files: Array.from({ length: 5 }, () => app.declare(png)),
      });
      expect(status).toBe(200);
      expect(json.uploads?.map((upload) => upload.error?.code ?? 'granted')).toEqual([
        ...Array.from({ length: 3 }, () => 'granted'),
        ...Array.from({ length: 2 }, () => 'quota_exceeded'),
      ]);
      expect(json.uploads?.[4]).toEqual({
        error: {
          code: 'quota_exceeded',
          message: 'The limit of 3 files is reached. Delete a file first.',
          retryable: false,
          details: { quota: 'route', rule: 'maxFiles', limit: 3, used: 3 },
          requestId: expect.any(String),
        },
      });
      const more = await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)] });
      expect([more.status, more.json.error?.code]).toEqual([403, 'quota_exceeded']);
      await app.abort(json.uploads?.[0]?.grant as string);
      await app.grant(png);
    });

    it('a quota can depend on the owner', async () => {
      const ledger = await testLedger.open();
      const routes = {
        a: route({
          limits,
          authorize: ({ request }) => ({ ownerId: 'anna', plan: request.header('x-plan') ?? 'free' }),
          quota: ({ plan }) => (plan === 'free' ? { maxFiles: 0 } : null),
        }),
      };
      const app = createTestApp(store.storage(), routes, { ledger });
      const body = { route: 'a', files: [app.declare(png)] };
      expect((await app.call('POST', '/uploads', body)).json.error?.code).toBe('quota_exceeded');
      expect((await app.call('POST', '/uploads', body, { 'x-plan': 'paid' })).status).toBe(200);
    });

    it('a callback that throws is counted and retried by the sweep or the client', async () => {
      const ledger = await testLedger.open();
      let fail = true;
      const app = createTestApp(
        store.storage(),
        {
          a: route({
            limits,
            authorize: owner,
            onComplete: () => {
              if (fail) throw new Error('the mail server is down');
              return 'sent';
            },
          }),
        },
        { ledger },
      );
      const upload = await app.grant(png);
      await send(upload.request, png);
      expect((await app.complete(upload.grant)).json.error?.code).toBe('callback_failed');
      const record = await ledger.find(upload.uploadId);
      expect(record).toMatchObject({ state: 'completing', leaseLeftMs: 0, callback: { attempts: 1, parkedAt: null } });
      expect(record?.callback.lastError).toContain('the mail server is down');
      expect(record?.callback.retryAt).toBeGreaterThan(await ledger.ping());
      fail = false;
      expect((await app.complete(upload.grant)).json.results).toMatchObject([{ data: 'sent' }]);
      expect((await ledger.find(upload.uploadId))?.callback).toMatchObject({ attempts: 2, interruptions: 0 });
    });

    it('metadata that is too long for the grant is recorded in the ledger', async () => {
      const ledger = await testLedger.open();
      const seenMetadata: unknown[] = [];
      const app = createTestApp(
        store.storage(),
        {
          a: route({
            limits,
            metadata: anySchema,
            authorize: ({ action, files }) => {
              if (action === 'complete') seenMetadata.push(files[0]?.metadata);
              return owner();
            },
            onComplete: ({ metadata }) => (metadata as { text: string }).text.length,
          }),
        },
        { ledger },
      );
      const metadata = { text: 'ü'.repeat(20_000) };
      const upload = await app.grant(png, { metadata });
      expect(upload.grant.length).toBeLessThan(1000);
      await send(upload.request, png);
      expect((await app.complete(upload.grant)).json.results).toMatchObject([{ data: 20_000 }]);
      expect(seenMetadata).toEqual([metadata]);
      const plain = createTestApp(store.storage(), { a: route({ limits, metadata: anySchema, authorize: owner }) });
      await expect(plain.grant(png, { metadata })).rejects.toThrow(/too long to be stored/);
    });

    it('uploads that were granted without a ledger can be completed and aborted with one', async () => {
      const ledger = await testLedger.open();
      const routes = { a: route({ limits, authorize: owner, onComplete: () => 'late' }) };
      const before = createTestApp(store.storage(), routes);
      const after = createTestApp(store.storage(), routes, { ledger });
      const upload = await before.grant(png);
      await send(upload.request, png);
      expect((await after.complete(upload.grant)).json.results).toMatchObject([{ data: 'late' }]);
      expect(await ledger.find(upload.uploadId)).toMatchObject({ state: 'completed' });
      const parts = createParts(before);
      const bytes = pngOf(partSize + 1);
      const large = await createParts(createTestApp(store.storage(), routes, { multipartMinBytes: partSize })).begin(
        bytes,
      );
      await parts.send(large.grant, bytes);
      expect((await after.complete(large.grant)).json.results).toMatchObject([{ data: 'late' }]);
      const never = await before.grant(png);
      expect((await after.abort(never.grant)).status).toBe(200);
      await send(never.request, png);
      expect((await after.complete(never.grant)).json.error?.code).toBe('upload_conflict');
    });

    it('calls answer ledger_unavailable while the database fails, and succeed afterwards', async () => {
      const ledger = await testLedger.open();
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, { ledger });
      const upload = await app.grant(png);
      await send(upload.request, png);
      await testLedger.execute('alter table waybill_uploads rename to waybill_gone');
      const { status, json } = await app.complete(upload.grant);
      expect([status, json.error?.code, json.error?.retryable]).toEqual([503, 'ledger_unavailable', true]);
      expect(JSON.stringify(json)).not.toContain('waybill_uploads');
      expect((await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)] })).status).toBe(503);
      await testLedger.execute('alter table waybill_gone rename to waybill_uploads');
      expect((await app.complete(upload.grant)).status).toBe(200);
    });

    it('C11 a deleted file stays deleted, and its quota is released', async () => {
      const ledger = await testLedger.open();
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, { ledger });
      const upload = await app.grant(png);
      await send(upload.request, png);
      const { json } = await app.complete(upload.grant);
      const { file } = json.results?.[0] ?? {};
      expect((await app.call('GET', file?.url ?? '')).status).toBe(302);
      expect((await app.call('DELETE', file?.url ?? '')).status).toBe(204);
      expect(await store.storage().head(file?.key ?? '')).toBeNull();
      expect(await app.uploads.usage('anna')).toMatchObject({ storedBytes: 0, storedFiles: 0, pendingBytes: 0 });
      // The URL has not expired and the staging key is free again.
      expect(await send(upload.request, png)).toBe(200);
      expect((await app.complete(upload.grant)).json.error?.code).toBe('upload_conflict');
      expect(await store.storage().head(file?.key ?? '')).toBeNull();
      expect(await app.uploads.usage('anna')).toMatchObject({ storedBytes: 0, pendingBytes: 0 });
      expect(await app.uploads.deleteFile(file?.key ?? '')).toBe(false);
    });

    it('deleteFile() deletes files that are older than the ledger', async () => {
      const storage = store.storage();
      const routes = { a: route({ limits, authorize: owner }) };
      const before = createTestApp(storage, routes);
      const upload = await before.grant(png);
      await send(upload.request, png);
      const { json } = await before.complete(upload.grant);
      const after = createTestApp(storage, routes, { ledger: await testLedger.open() });
      expect(await after.uploads.deleteFile(json.results?.[0]?.file.key ?? '')).toBe(true);
    });
  });
});

forEachStore(
  'shared files',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      async function start() {
        const ledger = await testLedger.open();
        const calls: string[] = [];
        const routes = {
          a: route({
            limits,
            authorize: ({ request }) => ({ ownerId: request.header('x-user') ?? 'anna' }),
            dedupe: true,
            onComplete: ({ uploadId }) => {
              calls.push(uploadId);
              return calls.length;
            },
          }),
          b: route({ limits, authorize: owner, dedupe: true }),
        };
        const storage = store.storage();
        const app = createTestApp(storage, routes, { ledger });
        type GrantOptions = { route?: string; user?: string; offer?: readonly string[] } & Partial<FileDeclaration>;
        const grant = async (
          bytes: Uint8Array,
          { route = 'a', user = 'anna', offer = transfers, ...more }: GrantOptions = {},
        ) => {
          const body = { route, files: [app.declare(bytes, more)], transfers: offer };
          const { json } = await app.call('POST', '/uploads', body, { 'x-user': user });
          return json.uploads?.[0] as unknown as { uploadId: string; grant: string; transfer: string; request: never };
        };
        const sendAndComplete = async (bytes: Uint8Array, given: GrantOptions = {}) => {
          const upload = await grant(bytes, given);
          if (upload.transfer !== 'none') await send(upload.request, bytes);
          const { json } = await app.call(
            'POST',
            '/uploads/complete',
            { grants: [upload.grant] },
            { 'x-user': given.user ?? 'anna' },
          );
          return { upload, file: json.results?.[0]?.file, data: json.results?.[0]?.data, error: json.error };
        };
        return { app, grant, put: sendAndComplete, calls, ledger, storage };
      }

      it('a shared file is not sent again, and is deleted with the last upload that shares it', async () => {
        const { app, put, calls, storage } = await start();
        const first = await put(png);
        expect(first.upload.transfer).not.toBe('none');
        const second = await put(png, { fileName: 'copy.png' });
        expect(second.upload.transfer).toBe('none');
        expect(second.upload.request).toBeUndefined();
        expect(calls).toEqual([first.upload.uploadId, second.upload.uploadId]);
        expect(second.file).toMatchObject({
          key: first.file?.key,
          fileName: 'copy.png',
          checksum: app.checksumOf(png),
        });
        expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 2, storedBytes: 2 * png.length });
        expect((await app.call('DELETE', first.file?.url ?? '')).status).toBe(204);
        expect((await app.call('GET', first.file?.url ?? '')).status).toBe(404);
        expect((await app.call('GET', second.file?.url ?? '')).status).toBe(302);
        expect(await storage.head(first.file?.key ?? '')).not.toBeNull();
        expect((await app.call('DELETE', second.file?.url ?? '')).status).toBe(204);
        expect(await storage.head(first.file?.key ?? '')).toBeNull();
        expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 0, storedBytes: 0 });
        expect((await put(png)).upload.transfer).not.toBe('none');
      });

      it('files are not shared across owners, routes, types or sizes, or without the transfer `none`', async () => {
        const { grant, put } = await start();
        await put(png);
        expect((await grant(png)).transfer).toBe('none');
        expect((await grant(png, { user: 'bea' })).transfer).not.toBe('none');
        expect((await grant(png, { route: 'b' })).transfer).not.toBe('none');
        expect((await grant(png, { contentType: 'image/gif' })).transfer).not.toBe('none');
        expect((await grant(Buffer.concat([png, png]))).transfer).not.toBe('none');
        expect((await grant(png, { offer: ['put'] })).transfer).toBe('put');
      });

      it('a shared object outlives the original upload, and a missing one answers upload_expired', async () => {
        const { app, grant, put, storage, ledger } = await start();
        const first = await put(png);
        const waiting = await grant(png);
        await app.uploads.deleteFile(first.file?.key ?? '');
        const { json } = await app.complete(waiting.grant);
        expect(json.results).toMatchObject([{ file: { key: first.file?.key } }]);
        const lost = await grant(png);
        await storage.delete(first.file?.key ?? '');
        expect((await app.complete(lost.grant)).json.error?.code).toBe('upload_expired');
        expect(await ledger.find(lost.uploadId)).toMatchObject({ state: 'rejected' });
        const aborted = await grant(png);
        await app.abort(aborted.grant);
        expect((await ledger.find(aborted.uploadId))?.state).toBe('aborted');
      });
    });
  },
  // Ceph 16 verifies no SHA-256, so routes on it cannot share files.
  { only: ['devstore'] },
);

forEachStore('dedupe and quota', (store) => {
  it('createUploads() refuses dedupe and quota where they cannot work', () => {
    const { checksums } = store.storage().capabilities;
    const make = () =>
      createTestApp(store.storage(), { a: route({ limits, authorize: owner, dedupe: true }) }, { ledger: {} as never });
    if (checksums.includes('sha256')) expect(make).not.toThrow();
    else expect(make).toThrow(/verifies no SHA-256/);
    expect(() => createTestApp(store.storage(), { a: route({ limits, authorize: owner, dedupe: true }) })).toThrow(
      /needs a ledger/,
    );
    expect(() =>
      createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, { quota: { maxFiles: 1 } }),
    ).toThrow(/needs a ledger/);
    expect(() => route({ limits, authorize: owner, quota: { maxfiles: 1 } as never })).toThrow(/`quota`/);
  });
});

const anySchema = {
  '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) },
};
