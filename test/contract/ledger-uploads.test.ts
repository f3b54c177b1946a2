/** Uploads on record: what a ledger adds to the way of a file, on both databases. */
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

forEachStore('uploads on record', (store) => {
  forEachLedger('in', (place) => {
    it('go the same way, and the ledger knows each step', async () => {
      const ledger = await place.open();
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
      // Nothing of it is left in staging, no marker either.
      const left = (await store.storage().list({ prefix: 'incoming/' })).objects;
      expect(left.filter(({ key }) => key.includes(uploadId))).toEqual([]);
    });

    it('fifty completions at once on two replicas call back once, and all have one result (B3)', async () => {
      const ledgers = [await place.open(), place.name === 'postgres' ? await place.reopen() : undefined];
      let calls = 0;
      const routes = { a: route({ limits, authorize: owner, onComplete: () => ({ calls: ++calls }) }) };
      const apps = ledgers.map((one) =>
        createTestApp(store.storage(), routes, { ledger: one ?? (ledgers[0] as never) }),
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

    it('refuses what the quota has no room for, each file alone, and signs nothing for it (F1)', async () => {
      const ledger = await place.open();
      const routes = { a: route({ limits: { ...limits, maxFiles: 100 }, authorize: owner, quota: { maxFiles: 3 } }) };
      const app = createTestApp(store.storage(), routes, { ledger, quota: { maxBytes: 1_000_000 } });
      const { json, status } = await app.call('POST', '/uploads', {
        route: 'a',
        files: Array.from({ length: 5 }, () => app.declare(png)),
      });
      expect(status).toBe(200);
      expect(json.uploads?.map((one) => one.error?.code ?? 'granted')).toEqual([
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

    it('a quota may depend on who asks', async () => {
      const ledger = await place.open();
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

    it('a callback that throws is counted, and waits for the sweep or the client', async () => {
      const ledger = await place.open();
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

    it('metadata that is too long to travel is kept on record', async () => {
      const ledger = await place.open();
      const seen: unknown[] = [];
      const app = createTestApp(
        store.storage(),
        {
          a: route({
            limits,
            metadata: anything,
            authorize: ({ action, files }) => {
              if (action === 'complete') seen.push(files[0]?.metadata);
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
      expect(seen).toEqual([metadata]);
      const plain = createTestApp(store.storage(), { a: route({ limits, metadata: anything, authorize: owner }) });
      await expect(plain.grant(png, { metadata })).rejects.toThrow(/too long to travel/);
    });

    it('goes on with what was granted before there was a ledger', async () => {
      const ledger = await place.open();
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

    it('what a database that is down was asked is to be asked again', async () => {
      const ledger = await place.open();
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, { ledger });
      const upload = await app.grant(png);
      await send(upload.request, png);
      await place.execute('alter table waybill_uploads rename to waybill_gone');
      const { status, json } = await app.complete(upload.grant);
      expect([status, json.error?.code, json.error?.retryable]).toEqual([503, 'ledger_unavailable', true]);
      expect(JSON.stringify(json)).not.toContain('waybill_uploads');
      expect((await app.call('POST', '/uploads', { route: 'a', files: [app.declare(png)] })).status).toBe(503);
      await place.execute('alter table waybill_gone rename to waybill_uploads');
      expect((await app.complete(upload.grant)).status).toBe(200);
    });

    it('deletes for good, gives the quota back, and stays deleted (C11)', async () => {
      const ledger = await place.open();
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, { ledger });
      const upload = await app.grant(png);
      await send(upload.request, png);
      const { json } = await app.complete(upload.grant);
      const { file } = json.results?.[0] ?? {};
      expect((await app.call('GET', file?.url ?? '')).status).toBe(302);
      expect((await app.call('DELETE', file?.url ?? '')).status).toBe(204);
      expect(await store.storage().head(file?.key ?? '')).toBeNull();
      expect(await app.uploads.usage('anna')).toMatchObject({ storedBytes: 0, storedFiles: 0, pendingBytes: 0 });
      // The URL has not expired, and its key in staging is free again.
      expect(await send(upload.request, png)).toBe(200);
      expect((await app.complete(upload.grant)).json.error?.code).toBe('upload_conflict');
      expect(await store.storage().head(file?.key ?? '')).toBeNull();
      expect(await app.uploads.usage('anna')).toMatchObject({ storedBytes: 0, pendingBytes: 0 });
      expect(await app.uploads.deleteFile(file?.key ?? '')).toBe(false);
    });

    it('deletes files that are older than the ledger', async () => {
      const storage = store.storage();
      const routes = { a: route({ limits, authorize: owner }) };
      const before = createTestApp(storage, routes);
      const upload = await before.grant(png);
      await send(upload.request, png);
      const { json } = await before.complete(upload.grant);
      const after = createTestApp(storage, routes, { ledger: await place.open() });
      expect(await after.uploads.deleteFile(json.results?.[0]?.file.key ?? '')).toBe(true);
    });
  });
});

forEachStore(
  'files that are shared',
  (store) => {
    forEachLedger('in', (place) => {
      async function setUp() {
        const ledger = await place.open();
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
        type Asked = { route?: string; user?: string; offer?: readonly string[] } & Partial<FileDeclaration>;
        const ask = async (
          bytes: Uint8Array,
          { route = 'a', user = 'anna', offer = transfers, ...more }: Asked = {},
        ) => {
          const body = { route, files: [app.declare(bytes, more)], transfers: offer };
          const { json } = await app.call('POST', '/uploads', body, { 'x-user': user });
          return json.uploads?.[0] as unknown as { uploadId: string; grant: string; transfer: string; request: never };
        };
        const store_ = async (bytes: Uint8Array, given: Asked = {}) => {
          const upload = await ask(bytes, given);
          if (upload.transfer !== 'none') await send(upload.request, bytes);
          const { json } = await app.call(
            'POST',
            '/uploads/complete',
            { grants: [upload.grant] },
            { 'x-user': given.user ?? 'anna' },
          );
          return { upload, file: json.results?.[0]?.file, data: json.results?.[0]?.data, error: json.error };
        };
        return { app, ask, put: store_, calls, ledger, storage };
      }

      it('are not sent again, are announced each, and go with the last', async () => {
        const { app, put, calls, storage } = await setUp();
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

      it('never across owners, routes, types or sizes, and only for clients that know', async () => {
        const { ask, put } = await setUp();
        await put(png);
        expect((await ask(png)).transfer).toBe('none');
        expect((await ask(png, { user: 'bea' })).transfer).not.toBe('none');
        expect((await ask(png, { route: 'b' })).transfer).not.toBe('none');
        expect((await ask(png, { contentType: 'image/gif' })).transfer).not.toBe('none');
        expect((await ask(Buffer.concat([png, png]))).transfer).not.toBe('none');
        expect((await ask(png, { offer: ['put'] })).transfer).toBe('put');
      });

      it('whose original is deleted before they complete keep the object; one that vanished is sent anew', async () => {
        const { app, ask, put, storage, ledger } = await setUp();
        const first = await put(png);
        const waiting = await ask(png);
        await app.uploads.deleteFile(first.file?.key ?? '');
        const { json } = await app.complete(waiting.grant);
        expect(json.results).toMatchObject([{ file: { key: first.file?.key } }]);
        const lost = await ask(png);
        await storage.delete(first.file?.key ?? '');
        expect((await app.complete(lost.grant)).json.error?.code).toBe('upload_expired');
        expect(await ledger.find(lost.uploadId)).toMatchObject({ state: 'rejected' });
        const aborted = await ask(png);
        await app.abort(aborted.grant);
        expect((await ledger.find(aborted.uploadId))?.state).toBe('aborted');
      });
    });
  },
  // Ceph 16 verifies no SHA-256: routes on it cannot share, and say so.
  { only: ['devstore'] },
);

forEachStore('a route that cannot share', (store) => {
  it('says so at start', () => {
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

const anything = {
  '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) },
};
