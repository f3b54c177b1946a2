/** From "it was sent" to "it is a file", and everything that may happen on the way. */
import { afterEach, describe, expect, it } from 'vitest';
import { type SingleGrant, WaybillError } from '../../src/protocol/index.ts';
import type { Storage, StorageCapabilities } from '../../src/s3/index.ts';
import { anyone, type CompleteInput, type Owner, route, type UploadsEvent } from '../../src/server/index.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100_000 };

function stagedKey({ request }: SingleGrant): string {
  const path = request.fields?.key ?? new URL(request.url).pathname;
  return path.slice(path.indexOf('incoming/'));
}

async function keysUnder(storage: Storage, prefix: string): Promise<string[]> {
  return (await storage.list({ prefix })).objects.map(({ key }) => key);
}

forEachStore('completion', (store) => {
  const events: UploadsEvent[] = [];
  afterEach(() => {
    events.length = 0;
  });
  const options = { onEvent: (event: UploadsEvent) => events.push(event) };

  it('verifies, promotes, calls back, and leaves only the file', async () => {
    const storage = store.storage();
    const calls: CompleteInput<unknown>[] = [];
    const app = createTestApp(
      storage,
      {
        a: route({
          limits,
          authorize: owner,
          onComplete: (input) => {
            calls.push(input);
            return { n: calls.length };
          },
        }),
      },
      options,
    );
    const upload = await app.grant(png, { fileName: 'Ein Foto.png' });
    expect(await send(upload.request, png)).toBe(200);
    const { status, json } = await app.complete(upload.grant);
    expect(status).toBe(200);
    const { uploadId } = upload;
    const key = `a/anna/${uploadId}.png`;
    expect(json.results).toEqual([
      {
        uploadId,
        data: { n: 1 },
        file: {
          uploadId,
          route: 'a',
          key,
          fileName: 'Ein Foto.png',
          size: png.length,
          contentType: 'image/png',
          checksum: app.checksumOf(png),
          etag: expect.stringMatching(/[0-9a-f]{32}/),
          url: expect.stringMatching(/^\/files\/[\w-]+\.[\w-]{22}$/),
          storedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        },
      },
    ]);
    expect(Object.keys(calls[0] ?? {}).sort()).toEqual(['file', 'metadata', 'ownerId', 'uploadId']);
    expect(await storage.head(stagedKey(upload))).toBeNull();
    expect(await storage.head(key)).toMatchObject({
      contentType: 'image/png',
      cacheControl: 'private, max-age=86400, immutable',
      contentDisposition: `inline; filename="Ein Foto.png"`,
      metadata: { 'waybill-upload': uploadId },
    });
    const again = await app.complete(upload.grant, upload.grant);
    expect(again.json.results).toEqual([json.results?.[0], json.results?.[0]]);
    expect(calls).toHaveLength(1);
    expect(events.filter(({ type }) => type.startsWith('upload.')).map(({ type }) => type)).toEqual([
      'upload.granted',
      'upload.completed',
    ]);
  });

  it('fifty at once are one completion, with one result (B3)', async () => {
    let calls = 0;
    const app = createTestApp(store.storage(), {
      a: route({ limits, authorize: owner, onComplete: () => ({ calls: ++calls }) }),
    });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.complete(upload.grant)));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(calls).toBe(1);
  });

  it('a batch asks the storage about several at once, and never about too many', async () => {
    const real = store.storage();
    let most = 0;
    let under = 0;
    const storage: Storage = {
      ...real,
      read: async (key, given) => {
        under += 1;
        most = Math.max(most, under);
        try {
          return await real.read(key, given);
        } finally {
          under -= 1;
        }
      },
    };
    const app = createTestApp(storage, { a: route({ limits: { ...limits, maxFiles: 40 }, authorize: owner }) });
    const files = Array.from({ length: 40 }, () => app.declare(png));
    const { json } = await app.call('POST', '/uploads', { route: 'a', files });
    const uploads = json.uploads ?? [];
    for (const upload of uploads) expect(await send(upload.request, png)).toBe(200);
    const answer = await app.complete(...uploads.map(({ grant }) => grant));
    expect(answer.json.results?.map(({ uploadId }) => uploadId)).toEqual(uploads.map(({ uploadId }) => uploadId));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  it.each([
    ['in one call', 'as it does'],
    ['each alone, where the storage cannot delete many', 'throws'],
    ['again, where it could not delete some', 'fails'],
  ])('what a batch leaves staged goes %s', async (_, how) => {
    const real = store.storage();
    const deleted: string[] = [];
    const storage: Storage = {
      ...real,
      delete: async (key) => {
        deleted.push(key);
        return real.delete(key);
      },
      deleteMany: async (keys) => {
        deleted.push(`${keys.length} together`);
        if (how === 'throws') throw new Error('not implemented');
        const [first = '', ...rest] = keys;
        const failed = await real.deleteMany(how === 'fails' ? rest : keys);
        return how === 'fails' ? [{ key: first, code: 'InternalError' }] : failed;
      },
    };
    const recorded: string[] = [];
    const app = createTestApp(storage, {
      a: route({
        limits,
        authorize: owner,
        onComplete: ({ uploadId }) => void recorded.push(`${uploadId} ${deleted.length}`),
      }),
    });
    const uploads = [await app.grant(png), await app.grant(png), await app.grant(png)];
    for (const upload of uploads) expect(await send(upload.request, png)).toBe(200);
    const { json } = await app.complete(...uploads.map(({ grant }) => grant));
    expect(json.results?.map(({ file }) => file?.size)).toEqual([png.length, png.length, png.length]);
    expect(recorded.map((line) => line.split(' ')[1])).toEqual(['0', '0', '0']);
    expect(deleted.filter((what) => what === '3 together')).toHaveLength(1);
    expect(deleted).toHaveLength({ 'as it does': 1, throws: 4, fails: 2 }[how] ?? 0);
    for (const upload of uploads) expect(await real.head(stagedKey(upload))).toBeNull();
    const again = await app.complete(...uploads.map(({ grant }) => grant));
    expect(again.json.results).toEqual(json.results);
  });

  it('of two processes one promotes; the other says so and later knows', async () => {
    const storage = store.storage();
    let calls = 0;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let entered = () => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const slow = {
      a: route({
        limits,
        authorize: owner,
        onComplete: async () => {
          calls += 1;
          entered();
          await held;
          return calls;
        },
      }),
    };
    const [one, two] = [createTestApp(storage, slow), createTestApp(storage, slow)];
    const upload = await one.grant(png);
    await send(upload.request, png);
    const first = one.complete(upload.grant);
    await inside;
    const second = await two.complete(upload.grant);
    expect([second.status, second.json.results?.[0]?.completing]).toEqual([202, true]);
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(0);
    letGo();
    const done = await first;
    expect(done.status).toBe(200);
    expect((await two.complete(upload.grant)).json.results).toEqual(done.json.results);
    expect(calls).toBe(1);
  });

  it('a callback that throws is callback_failed, and runs again', async () => {
    let calls = 0;
    const app = createTestApp(
      store.storage(),
      {
        a: route({
          limits,
          authorize: owner,
          onComplete: () => {
            calls += 1;
            if (calls < 3) throw new Error('the database is away');
            return calls;
          },
        }),
      },
      options,
    );
    const upload = await app.grant(png);
    await send(upload.request, png);
    for (const _ of [1, 2]) {
      const { status, json, headers } = await app.complete(upload.grant);
      expect([status, json.error?.code, json.error?.retryable, headers['retry-after']]).toEqual([
        503,
        'callback_failed',
        true,
        '1',
      ]);
      expect(JSON.stringify(json)).not.toContain('database');
    }
    expect((await app.complete(upload.grant)).json.results?.[0]?.data).toBe(3);
    expect(events.filter(({ type }) => type === 'callback.failed')).toHaveLength(2);
  });

  it('what a dead process left half done is taken up from where it stopped', async () => {
    const storage = store.storage();
    const dying = new Error('killed');
    // Dies after the copy and the delete of the staged object, before the record.
    let recordsLeft = 1;
    const dead: Storage = {
      ...storage,
      put: async (put) => {
        if (put.key.includes('.waybill') && recordsLeft-- <= 0) throw dying;
        return storage.put(put);
      },
    };
    const calls: string[] = [];
    const routes = {
      a: route({ limits, authorize: owner, onComplete: ({ uploadId }) => calls.push(uploadId) }),
    };
    const upload = await createTestApp(storage, routes).grant(png);
    await send(upload.request, png);
    const failed = await createTestApp(dead, routes).complete(upload.grant);
    expect(failed.status).toBe(500);
    expect(await storage.head(stagedKey(upload))).toBeNull();
    let offset = 0;
    const later = createTestApp(storage, routes, { now: () => Date.now() + offset });
    expect((await later.complete(upload.grant)).status).toBe(202);
    offset = 10 * 60_000;
    const { status, json } = await later.complete(upload.grant);
    expect([status, json.results?.[0]?.data]).toEqual([200, 2]);
    // At least once, with the uploadId as the idempotency key.
    expect(calls).toEqual([upload.uploadId, upload.uploadId]);
    expect((await later.complete(upload.grant)).json.results).toEqual(json.results);
  });

  it('says object_not_ready before, upload_expired after, and completes what came in time', async () => {
    let offset = 0;
    const app = createTestApp(
      store.storage(),
      { a: route({ limits, authorize: owner }) },
      { now: () => Date.now() + offset },
    );
    const [sent, unsent] = [await app.grant(png), await app.grant(png)];
    await send(sent.request, png);
    const early = await app.complete(unsent.grant);
    expect([early.status, early.json.error?.code]).toEqual([409, 'object_not_ready']);
    offset = 3600_000;
    const late = await app.complete(unsent.grant, sent.grant);
    expect(late.status).toBe(200);
    expect(late.json.results).toMatchObject([
      { error: { code: 'upload_expired' } },
      { file: { key: `a/anna/${sent.uploadId}.png` } },
    ]);
  });

  it('an inspect that throws is tried again; one that says upload_rejected refuses', async () => {
    const verdicts = [new Error('scanner down'), new WaybillError('upload_rejected', 'No.')];
    const app = createTestApp(
      store.storage(),
      {
        a: route({
          limits,
          authorize: owner,
          inspect: () => {
            throw verdicts.shift();
          },
        }),
      },
      options,
    );
    const upload = await app.grant(png);
    await send(upload.request, png);
    expect((await app.complete(upload.grant)).json.error?.code).toBe('callback_failed');
    const refused = await app.complete(upload.grant);
    expect(refused.json.error).toMatchObject({ code: 'upload_rejected', message: 'No.' });
    expect(events.filter(({ type }) => type === 'callback.failed')).toMatchObject([
      { callback: 'inspect', reason: expect.stringContaining('scanner down') },
    ]);
  });

  it.each<[string, Partial<StorageCapabilities>, needs?: 'sha256']>([
    ['no If-None-Match at all', { once: false, copyOnce: false, copyPrecondition: false }, 'sha256'],
    ['unguarded copies', { copyOnce: false, copyPrecondition: false }],
    ['Content-MD5 only', { checksums: [], postChecksums: [] }],
  ])('works on a storage with %s', async (_, capabilities, needs) => {
    const preset = { ...store.storage().capabilities, ...capabilities };
    const storage = store.storage({ capabilities: preset });
    if (needs === 'sha256' && !preset.checksums.includes('sha256')) {
      const routes = { a: route({ limits, authorize: owner }) };
      expect(() => createTestApp(storage, routes)).toThrow('bytes could change after they were checked');
      return;
    }
    const app = createTestApp(storage, { a: route({ limits, authorize: owner, onComplete: () => 1 }) });
    const [kept, aborted] = [await app.grant(png), await app.grant(png)];
    await send(kept.request, png);
    await send(aborted.request, png);
    const answers = await Promise.all([app.complete(kept.grant), app.complete(kept.grant)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect((await app.complete(kept.grant)).json.results).toEqual(answers[0]?.json.results);
    expect((await app.abort(aborted.grant)).status).toBe(200);
    expect((await app.complete(aborted.grant)).json.error?.code).toBe('upload_conflict');
  });

  it('compares the copy where the storage ignores preconditions (edge 8)', async () => {
    const real = store.storage();
    const other = Buffer.from(png);
    other[other.length - 20] = (other[other.length - 20] as number) ^ 1;
    let swapped = false;
    const careless: Storage = {
      ...real,
      capabilities: { ...real.capabilities, copyOnce: false, copyPrecondition: false },
      copy: async ({ sourceEtag: _, once: __, ...rest }) => {
        // Whoever sends swaps the bytes between the look and the copy.
        const before = await real.head(rest.from);
        if (!swapped && before)
          await real.put({ key: rest.from, body: other, contentType: 'image/png', metadata: before.metadata });
        swapped = true;
        return real.copy(rest);
      },
    };
    const app = createTestApp(careless, {
      a: route({ limits, authorize: owner, onComplete: () => expect.unreachable() }),
    });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const { status, json } = await app.complete(upload.grant);
    // What was put there came without the SHA-256 that every granted request carries; an MD5 follows from the ETag.
    const noticed = real.capabilities.checksums.includes('sha256')
      ? [502, 'storage_rejected']
      : [422, 'checksum_mismatch'];
    expect([status, json.error?.code]).toEqual(noticed);
    expect(swapped).toBe(true);
    expect(await keysUnder(real, `a/anna/${upload.uploadId}`)).toEqual([]);
  });

  describe('what is refused', () => {
    it.each([
      ['other content', Buffer.from('<html><script>alert(1)</script></html>'), 'content_type_mismatch'],
      ['what inspect refuses', Buffer.concat([png, Buffer.from('EICAR')]), 'upload_rejected'],
    ])('%s is deleted, and stays refused when it is sent again (C11)', async (_, bytes, code) => {
      const storage = store.storage();
      const app = createTestApp(
        storage,
        {
          a: route({
            limits,
            authorize: owner,
            inspect: async ({ stream, file }) => {
              const read = Buffer.from(await new Response(await stream()).arrayBuffer());
              expect(read.length).toBe(file.size);
              return read.includes('EICAR') ? { reject: 'A virus was found.' } : undefined;
            },
            onComplete: () => expect.unreachable(),
          }),
        },
        options,
      );
      const upload = await app.grant(bytes);
      await send(upload.request, bytes);
      const refused = await app.complete(upload.grant);
      expect([refused.status, refused.json.error?.code]).toEqual([422, code]);
      if (code === 'upload_rejected') expect(refused.json.error?.message).toBe('A virus was found.');
      expect(await storage.head(stagedKey(upload))).toBeNull();
      // The URL has not expired, and the key is free again: the storage takes it.
      expect(await send(upload.request, bytes)).toBe(200);
      const again = await app.complete(upload.grant);
      expect(again.json.error?.code).toBe(code);
      expect(await storage.head(stagedKey(upload))).toBeNull();
      expect(await keysUnder(storage, `a/anna/${upload.uploadId}`)).toEqual([]);
      expect(events.filter(({ type }) => type === 'upload.rejected')).toHaveLength(1);
    });

    it('a key that another file has is upload_conflict, and that file stays as it is', async () => {
      const storage = store.storage();
      const app = createTestApp(storage, { a: route({ limits, authorize: owner, key: () => 'same/key.png' }) });
      const [one, two] = [await app.grant(png), await app.grant(png)];
      await Promise.all([send(one.request, png), send(two.request, png)]);
      expect((await app.complete(one.grant)).status).toBe(200);
      const second = await app.complete(two.grant);
      expect([second.status, second.json.error?.code]).toEqual([409, 'upload_conflict']);
      expect((await storage.head('same/key.png'))?.metadata['waybill-upload']).toBe(one.uploadId);
      expect(await storage.head(stagedKey(two))).toBeNull();
      expect((await app.complete(two.grant)).json.error?.code).toBe('upload_conflict');
    });
  });

  describe('abort', () => {
    it('deletes what was sent, is idempotent, and excludes a completion', async () => {
      const storage = store.storage();
      const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
      const upload = await app.grant(png);
      await send(upload.request, png);
      for (const _ of [1, 2]) {
        const { status, json } = await app.abort(upload.grant);
        expect([status, json.results]).toEqual([200, [{ uploadId: upload.uploadId, aborted: true }]]);
      }
      expect(await storage.head(stagedKey(upload))).toBeNull();
      expect(await send(upload.request, png)).toBe(200);
      expect((await app.complete(upload.grant)).json.error?.code).toBe('upload_conflict');
      expect(await storage.head(stagedKey(upload))).toBeNull();
      expect(events.filter(({ type }) => type === 'upload.aborted')).toHaveLength(1);
    });

    it('of a file is upload_conflict', async () => {
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) });
      const upload = await app.grant(png);
      await send(upload.request, png);
      await app.complete(upload.grant);
      const { status, json } = await app.abort(upload.grant);
      expect([status, json.error?.code]).toEqual([409, 'upload_conflict']);
    });

    it('after a failed callback withdraws the copy', async () => {
      const storage = store.storage();
      const app = createTestApp(storage, {
        a: route({
          limits,
          authorize: owner,
          onComplete: () => {
            throw new Error('no');
          },
        }),
      });
      const upload = await app.grant(png);
      await send(upload.request, png);
      expect((await app.complete(upload.grant)).status).toBe(503);
      expect((await app.abort(upload.grant)).status).toBe(200);
      expect(await keysUnder(storage, `a/anna/${upload.uploadId}`)).toEqual([]);
      expect(await storage.head(stagedKey(upload))).toBeNull();
    });
  });

  it('a deleted file does not come back', async () => {
    const storage = store.storage();
    const app = createTestApp(storage, { a: route({ limits, authorize: owner }) });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const file = (await app.complete(upload.grant)).json.results?.[0]?.file;
    expect((await app.call('DELETE', file?.url ?? '')).status).toBe(204);
    expect((await app.call('DELETE', file?.url ?? '')).status).toBe(204);
    expect(await storage.head(file?.key ?? '')).toBeNull();
    expect(await send(upload.request, png)).toBe(200);
    expect((await app.complete(upload.grant)).json.error?.code).toBe('upload_conflict');
    expect(await storage.head(file?.key ?? '')).toBeNull();
  });

  it('completeObject needs nothing but the object', async () => {
    const storage = store.storage();
    const { uploads, grant } = createTestApp(storage, { a: route({ limits, authorize: anyone }) });
    const upload = await grant(png);
    expect(await uploads.completeObject(stagedKey(upload))).toBeNull();
    await send(upload.request, png);
    // Somebody else's object, and a receipt under a key that it was not given for.
    const receipt = (await storage.head(stagedKey(upload)))?.metadata.waybill ?? '';
    await storage.put({ key: 'incoming/foreign', body: png, contentType: 'image/png' });
    await storage.put({ key: 'incoming/copied', body: png, contentType: 'image/png', metadata: { waybill: receipt } });
    for (const key of ['incoming/foreign', 'incoming/copied', 'elsewhere'])
      expect(await uploads.completeObject(key)).toBeNull();
    expect(await uploads.completeObject(stagedKey(upload))).toMatchObject({ file: { size: png.length } });
  });

  it('a slow completion answers 202 and goes on', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const app = createTestApp(
      store.storage(),
      { a: route({ limits, authorize: owner, onComplete: () => held.then(() => 'late') }) },
      { completionWaitSeconds: 1 },
    );
    const upload = await app.grant(png);
    await send(upload.request, png);
    expect((await app.complete(upload.grant)).status).toBe(202);
    letGo();
    expect((await app.complete(upload.grant)).json.results?.[0]?.data).toBe('late');
  });

  it('forms are granted where they bind the bytes, and complete like puts', async () => {
    const storage = store.storage();
    const app = createTestApp(storage, {
      a: route({ limits, authorize: owner }),
      loose: route({ limits, authorize: owner, integrity: 'size-only' }),
    });
    for (const info of app.uploads.config.routes) {
      const { checksum: _, ...bare } = app.declare(png);
      const file = info.checksum ? app.declare(png) : bare;
      const { json } = await app.call('POST', '/uploads', {
        route: info.route,
        files: [file],
        transfers: ['form', 'put'],
      });
      const upload = json.uploads?.[0] as SingleGrant;
      expect(upload.transfer).toBe(info.transfers[0]);
      expect(await send(upload.request, png)).toBeLessThan(300);
      expect((await app.complete(upload.grant)).status).toBe(200);
    }
    // Without SHA-256 a form could be sent again with other bytes.
    const sha256 = storage.capabilities.postChecksums.includes('sha256');
    expect(app.uploads.config.routes.map(({ transfers }) => transfers[0])).toEqual([sha256 ? 'form' : 'put', 'put']);
  });
});
