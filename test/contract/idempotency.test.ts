/** Repeated grant calls with one idempotency key give one upload, with a ledger and without. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { FileDeclaration } from '../../src/protocol/index.ts';
import { anyone, route } from '../../src/server/index.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';

function suite(store: TestStore, testLedger: TestLedger | null): void {
  async function start() {
    const limits = { maxBytes: 20 * 1024 * 1024, contentTypes: ['*/*'] };
    const announced: string[] = [];
    const files = route({
      limits,
      authorize: ({ request }) => ({ ownerId: request.header('x-user') ?? 'anna' }),
      metadata: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
      onComplete: ({ uploadId }) => {
        announced.push(uploadId);
      },
    });
    const open = route({ limits, authorize: anyone });
    const ledger = await testLedger?.open();
    const storage = store.storage({ bucket: await store.createBucket() });
    const app = createTestApp(storage, { files, open }, { multipartMinBytes: partSize, ...(ledger ? { ledger } : {}) });
    const grant = async (file: Partial<FileDeclaration>, more: object = {}, user = 'anna', bytes: Buffer = png) => {
      const body = { route: 'files', files: [app.declare(bytes, file)], ...more };
      const { json, status } = await app.call('POST', '/uploads', body, { 'x-user': user });
      // biome-ignore lint/suspicious/noExplicitAny: the shape differs by transfer
      return { status, upload: json.uploads?.[0] as any, code: json.error?.code };
    };
    return { app, grant, announced, ledger };
  }
  const idempotencyKey = 'a-key-of-this-test';

  it('a repeated call gives the same upload, and each of its requests and grants works', async () => {
    const { app, grant, announced, ledger } = await start();
    const [one, two] = [await grant({ idempotencyKey }), await grant({ idempotencyKey })];
    expect(two.upload.uploadId).toBe(one.upload.uploadId);
    if (ledger) expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1 });
    expect(await send(one.upload.request, png)).toBe(200);
    expect(await send(two.upload.request, png)).toBe(412);
    const completed = await app.complete(two.upload.grant);
    expect(completed.status).toBe(200);
    expect((await app.complete(one.upload.grant)).json).toEqual(completed.json);
    const three = await grant({ idempotencyKey }, { transfers: ['put', 'none'] });
    expect(three.upload.uploadId).toBe(one.upload.uploadId);
    if (ledger) expect(three.upload.transfer).toBe('none');
    expect((await app.complete(three.upload.grant)).json).toEqual(completed.json);
    expect(announced).toEqual([one.upload.uploadId]);
  });

  it('an idempotency key belongs to one owner and route, and has no effect on a route for anyone', async () => {
    const { grant } = await start();
    const own = await grant({ idempotencyKey });
    for (const other of [
      await grant({ idempotencyKey }, {}, 'bea'),
      await grant({}),
      await grant({ idempotencyKey: `${idempotencyKey}2` }),
      await grant({ idempotencyKey }, { route: 'open' }),
      await grant({ idempotencyKey }, { route: 'open' }),
    ]) {
      expect(other.status).toBe(200);
      expect(other.upload.uploadId).not.toBe(own.upload.uploadId);
    }
  });

  it('an idempotency key must have 1 to 64 visible characters', async () => {
    const { grant } = await start();
    for (const bad of ['', 'x'.repeat(65), 'a b', 'ü', 'a\n', 5 as never])
      expect((await grant({ idempotencyKey: bad })).code).toBe('invalid_request');
  });

  it('a repeated call for an upload in parts gives the same multipart upload', async () => {
    const { grant, ledger } = await start();
    const bytes = pngOf(partSize * 2);
    const more = { transfers: ['multipart'] };
    const [one, two] = [
      await grant({ idempotencyKey }, more, 'anna', bytes),
      await grant({ idempotencyKey }, more, 'anna', bytes),
    ];
    expect(two.upload).toMatchObject({ uploadId: one.upload.uploadId, transfer: 'multipart', partCount: 2 });
    if (ledger) expect((await ledger.find(one.upload.uploadId))?.multipartId).toBeTruthy();
  });

  if (!testLedger) return;

  it('a repeated call with another declaration answers upload_conflict', async () => {
    const { grant } = await start();
    await grant({ idempotencyKey }, { metadata: { album: 1 } });
    const same = await grant({ idempotencyKey }, { metadata: { album: 1 } });
    expect(same.status).toBe(200);
    for (const other of [
      await grant({ idempotencyKey, fileName: 'other.png' }, { metadata: { album: 1 } }),
      await grant({ idempotencyKey, contentType: 'image/gif' }, { metadata: { album: 1 } }),
      await grant({ idempotencyKey }, { metadata: { album: 2 } }),
      await grant({ idempotencyKey }, { metadata: { album: 1 } }, 'anna', Buffer.from(randomBytes(png.length))),
      await grant({ idempotencyKey }, { metadata: { album: 1 } }, 'anna', pngOf(png.length + 10)),
    ])
      expect([other.status, other.code]).toEqual([409, 'upload_conflict']);
  });

  it('an idempotency key is free again after the upload was aborted', async () => {
    const { app, grant, ledger } = await start();
    const one = await grant({ idempotencyKey });
    await app.abort(one.upload.grant);
    const two = await grant({ idempotencyKey, fileName: 'other.png' });
    expect(two.status).toBe(200);
    expect(two.upload.uploadId).not.toBe(one.upload.uploadId);
    expect(await ledger?.usage('anna')).toMatchObject({ pendingFiles: 1 });
  });

  it('twenty calls at once with one key give one upload', async () => {
    const { grant, ledger } = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => grant({ idempotencyKey })));
    expect(new Set(answers.map(({ upload }) => upload.uploadId)).size).toBe(1);
    expect(await ledger?.usage('anna')).toMatchObject({ pendingFiles: 1 });
  });
}

forEachStore('an idempotency key without a ledger', (store) => suite(store, null), { only: ['devstore'] });
forEachStore(
  'an idempotency key with a ledger',
  (store) => forEachLedger('ledger', (testLedger) => suite(store, testLedger)),
  {
    only: ['devstore'],
  },
);
