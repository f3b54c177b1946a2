/** Completion without a ledger, on every store: success, concurrency, failures, rejection, abort and delete. */
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

  it('completion verifies and copies the object, calls back, and leaves only the file', async () => {
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

  it('B3 fifty completions at once give one callback and one result', async () => {
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

  it('completion of a batch reads at most eight objects at once', async () => {
    const real = store.storage();
    let mostAtOnce = 0;
    let running = 0;
    const storage: Storage = {
      ...real,
      read: async (key, given) => {
        running += 1;
        mostAtOnce = Math.max(mostAtOnce, running);
        try {
          return await real.read(key, given);
        } finally {
          running -= 1;
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
    expect(mostAtOnce).toBeGreaterThan(1);
    expect(mostAtOnce).toBeLessThanOrEqual(8);
  });

  it.each([
    ['in one call', 'succeeds'],
    ['one by one where DeleteObjects fails', 'throws'],
    ['again one by one where DeleteObjects reports errors', 'reports'],
  ])('completion of a batch deletes the staged objects %s', async (_, behaviour) => {
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
        if (behaviour === 'throws') throw new Error('not implemented');
        const [first = '', ...rest] = keys;
        const failed = await real.deleteMany(behaviour === 'reports' ? rest : keys);
        return behaviour === 'reports' ? [{ key: first, code: 'InternalError' }] : failed;
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
    expect(deleted.filter((entry) => entry === '3 together')).toHaveLength(1);
    expect(deleted).toHaveLength({ succeeds: 1, throws: 4, reports: 2 }[behaviour] ?? 0);
    for (const upload of uploads) expect(await real.head(stagedKey(upload))).toBeNull();
    const again = await app.complete(...uploads.map(({ grant }) => grant));
    expect(again.json.results).toEqual(json.results);
  });

  it('one of two processes completes; the other answers 202 and then the same result', async () => {
    const storage = store.storage();
    let calls = 0;
    let releaseCallback = () => {};
    const held = new Promise<void>((resolve) => {
      releaseCallback = resolve;
    });
    let reportCallback = () => {};
    const callbackBegan = new Promise<void>((resolve) => {
      reportCallback = resolve;
    });
    const slow = {
      a: route({
        limits,
        authorize: owner,
        onComplete: async () => {
          calls += 1;
          reportCallback();
          await held;
          return calls;
        },
      }),
    };
    const [one, two] = [createTestApp(storage, slow), createTestApp(storage, slow)];
    const upload = await one.grant(png);
    await send(upload.request, png);
    const first = one.complete(upload.grant);
    await callbackBegan;
    const second = await two.complete(upload.grant);
    expect([second.status, second.json.results?.[0]?.completing]).toEqual([202, true]);
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(0);
    releaseCallback();
    const done = await first;
    expect(done.status).toBe(200);
    expect((await two.complete(upload.grant)).json.results).toEqual(done.json.results);
    expect(calls).toBe(1);
  });

  it('a callback that throws answers callback_failed and is called again', async () => {
    let calls = 0;
    const app = createTestApp(
      store.storage(),
      {
        a: route({
          limits,
          authorize: owner,
          onComplete: () => {
            calls += 1;
            if (calls < 3) throw new Error('the database is down');
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

  it('completion continues where a crashed process stopped', async () => {
    const storage = store.storage();
    const crash = new Error('killed');
    // Crashes after the copy and the delete of the staged object, before the result is recorded.
    let recordsLeft = 1;
    const crashing: Storage = {
      ...storage,
      put: async (put) => {
        if (put.key.includes('.waybill') && recordsLeft-- <= 0) throw crash;
        return storage.put(put);
      },
    };
    const calls: string[] = [];
    const routes = {
      a: route({ limits, authorize: owner, onComplete: ({ uploadId }) => calls.push(uploadId) }),
    };
    const upload = await createTestApp(storage, routes).grant(png);
    await send(upload.request, png);
    const failed = await createTestApp(crashing, routes).complete(upload.grant);
    expect(failed.status).toBe(500);
    expect(await storage.head(stagedKey(upload))).toBeNull();
    let offset = 0;
    const later = createTestApp(storage, routes, { now: () => Date.now() + offset });
    expect((await later.complete(upload.grant)).status).toBe(202);
    offset = 10 * 60_000;
    const { status, json } = await later.complete(upload.grant);
    expect([status, json.results?.[0]?.data]).toEqual([200, 2]);
    // Without a ledger callbacks run at least once, with the uploadId as the idempotency key.
    expect(calls).toEqual([upload.uploadId, upload.uploadId]);
    expect((await later.complete(upload.grant)).json.results).toEqual(json.results);
  });

  it('completion continues when its runtime has stopped an earlier one and kept the process', async () => {
    let offset = 0;
    let calls = 0;
    const app = createTestApp(
      store.storage(),
      {
        a: route({
          limits,
          authorize: owner,
          // The first call stands for work that a runtime has stopped: its promise is never settled.
          onComplete: () => (++calls === 1 ? new Promise<never>(() => {}) : 'done'),
        }),
      },
      { now: () => Date.now() + offset, completionWaitSeconds: 1 },
    );
    const upload = await app.grant(png);
    await send(upload.request, png);
    const complete = async () => {
      const { status, json } = await app.complete(upload.grant);
      return [status, json.results?.[0]?.data];
    };
    expect(await complete()).toEqual([202, undefined]);
    // The lease is valid, so the completion is still shared.
    expect(await complete()).toEqual([202, undefined]);
    expect(calls).toBe(1);
    offset = 10 * 60_000;
    expect(await complete()).toEqual([200, 'done']);
  });

  it('completion answers object_not_ready before expiry and upload_expired after it', async () => {
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

  it('an inspect that throws is called again, and one that throws upload_rejected rejects', async () => {
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
  ])('completion works on a storage with %s', async (_, capabilities, needs) => {
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

  it('completion compares the copy where the storage ignores preconditions', async () => {
    const real = store.storage();
    const other = Buffer.from(png);
    other[other.length - 20] = (other[other.length - 20] as number) ^ 1;
    let swapped = false;
    const withoutPreconditions: Storage = {
      ...real,
      capabilities: { ...real.capabilities, copyOnce: false, copyPrecondition: false },
      copy: async ({ sourceEtag: _, once: __, ...rest }) => {
        // The client replaces the bytes between the verification and the copy.
        const before = await real.head(rest.from);
        if (!swapped && before)
          await real.put({ key: rest.from, body: other, contentType: 'image/png', metadata: before.metadata });
        swapped = true;
        return real.copy(rest);
      },
    };
    const app = createTestApp(withoutPreconditions, {
      a: route({ limits, authorize: owner, onComplete: () => expect.unreachable() }),
    });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const { status, json } = await app.complete(upload.grant);
    // The replacement has no SHA-256, which every granted request carries. An MD5 follows from the ETag.
    const expected = real.capabilities.checksums.includes('sha256')
      ? [502, 'storage_rejected']
      : [422, 'checksum_mismatch'];
    expect([status, json.error?.code]).toEqual(expected);
    expect(swapped).toBe(true);
    expect(await keysUnder(real, `a/anna/${upload.uploadId}`)).toEqual([]);
  });

  describe('rejection', () => {
    it.each([
      ['content of another type', Buffer.from('<html><script>alert(1)</script></html>'), 'content_type_mismatch'],
      ['content that inspect rejects', Buffer.concat([png, Buffer.from('EICAR')]), 'upload_rejected'],
    ])('C11 %s is deleted, and is rejected again when it is sent again', async (_, bytes, code) => {
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
      // The URL has not expired and the key is free again, so the storage accepts the object.
      expect(await send(upload.request, bytes)).toBe(200);
      const again = await app.complete(upload.grant);
      expect(again.json.error?.code).toBe(code);
      expect(await storage.head(stagedKey(upload))).toBeNull();
      expect(await keysUnder(storage, `a/anna/${upload.uploadId}`)).toEqual([]);
      expect(events.filter(({ type }) => type === 'upload.rejected')).toHaveLength(1);
    });

    it('a key that another file has is upload_conflict, and that file stays unchanged', async () => {
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
    it('abort deletes what was sent, is idempotent, and excludes a completion', async () => {
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

    it('abort of a completed file answers upload_conflict', async () => {
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) });
      const upload = await app.grant(png);
      await send(upload.request, png);
      await app.complete(upload.grant);
      const { status, json } = await app.abort(upload.grant);
      expect([status, json.error?.code]).toEqual([409, 'upload_conflict']);
    });

    it('abort after a failed callback deletes the copy', async () => {
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

  it('a deleted file is not restored when its bytes are sent again', async () => {
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

  it('completeObject() completes an upload by its object alone', async () => {
    const storage = store.storage();
    const { uploads, grant } = createTestApp(storage, { a: route({ limits, authorize: anyone }) });
    const upload = await grant(png);
    expect(await uploads.completeObject(stagedKey(upload))).toBeNull();
    await send(upload.request, png);
    // An object without a receipt, and a receipt with a key that it was not made for.
    const receipt = (await storage.head(stagedKey(upload)))?.metadata.waybill ?? '';
    await storage.put({ key: 'incoming/foreign', body: png, contentType: 'image/png' });
    await storage.put({ key: 'incoming/copied', body: png, contentType: 'image/png', metadata: { waybill: receipt } });
    for (const key of ['incoming/foreign', 'incoming/copied', 'elsewhere'])
      expect(await uploads.completeObject(key)).toBeNull();
    expect(await uploads.completeObject(stagedKey(upload))).toMatchObject({ file: { size: png.length } });
  });

  it('a slow completion answers 202 and continues', async () => {
    let releaseCallback = () => {};
    const held = new Promise<void>((resolve) => {
      releaseCallback = resolve;
    });
    const app = createTestApp(
      store.storage(),
      { a: route({ limits, authorize: owner, onComplete: () => held.then(() => 'late') }) },
      { completionWaitSeconds: 1 },
    );
    const upload = await app.grant(png);
    await send(upload.request, png);
    expect((await app.complete(upload.grant)).status).toBe(202);
    releaseCallback();
    expect((await app.complete(upload.grant)).json.results?.[0]?.data).toBe('late');
  });

  it('forms are granted where they bind the bytes, and complete like PUT requests', async () => {
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
    // Without a SHA-256 a form could be sent again with other bytes.
    const sha256 = storage.capabilities.postChecksums.includes('sha256');
    expect(app.uploads.config.routes.map(({ transfers }) => transfers[0])).toEqual([sha256 ? 'form' : 'put', 'put']);
  });
});
