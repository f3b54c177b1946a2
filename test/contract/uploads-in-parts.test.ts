/** Uploads in parts without a ledger, on every store: parts, streams, completion, copies in parts and crashes. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createDevstore } from '../../src/devstore/index.ts';
import { MiB, type MultipartGrant, planParts } from '../../src/protocol/index.ts';
import { type Credentials, S3Error, type Storage, s3Storage } from '../../src/s3/index.ts';
import { type Owner, route, type UploadsEvent } from '../../src/server/index.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100 * MiB };
const options = { multipartMinBytes: 5 * MiB };

async function keysUnder(storage: Storage, prefix: string): Promise<string[]> {
  return (await storage.list({ prefix })).objects.map(({ key }) => key);
}

/** Expects that nothing of the upload is left in staging, except its marker. */
async function expectNothingLeft(storage: Storage, { uploadId }: Pick<MultipartGrant, 'uploadId'>): Promise<void> {
  expect(await keysUnder(storage, `incoming/${uploadId}`)).toEqual([]);
  expect(await keysUnder(storage, `incoming/.waybill/${uploadId}.parts`)).toEqual([]);
  expect((await storage.listMultiparts({ prefix: `incoming/${uploadId}` })).uploads).toEqual([]);
}

forEachStore('uploads in parts', (store) => {
  const bytes = pngOf(2 * partSize + 1234);

  it('an upload in parts is completed, and leaves only the file', async () => {
    const storage = store.storage();
    const app = createTestApp(
      storage,
      { a: route({ limits, authorize: owner, onComplete: ({ file }) => file.size }) },
      options,
    );
    const parts = createParts(app);
    const upload = await parts.begin(bytes);
    expect(upload).toMatchObject({ transfer: 'multipart', partSize, partCount: 3, expiresInSeconds: 900 });
    await parts.send(upload.grant, bytes);
    const checksum = parts.compositeOf(bytes);
    const { status, json } = await parts.complete({ grant: upload.grant, checksum, size: bytes.length });
    expect([status, json]).toMatchObject([
      200,
      {
        results: [
          {
            file: { size: bytes.length, contentType: 'image/png', checksum: { ...checksum, parts: 3 } },
            data: bytes.length,
          },
        ],
      },
    ]);
    const file = json.results?.[0]?.file;
    const stored = await storage.get(file?.key ?? '');
    expect(Buffer.from(await new Response(stored?.body ?? null).arrayBuffer()).equals(bytes)).toBe(true);
    expect(stored?.info.metadata.waybill).toBeUndefined();
    await expectNothingLeft(storage, upload);
    expect((await parts.complete(upload.grant)).json).toEqual(json);
  });

  it('the list of parts returns what arrived and a renewed grant', async () => {
    const storage = store.storage();
    let offset = 0;
    const app = createTestApp(
      storage,
      { a: route({ limits, authorize: owner }) },
      { ...options, now: () => Date.now() + offset },
    );
    const parts = createParts(app);
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [1, 3]);
    offset = 3600_000;
    const expired = await parts.sign(upload.grant, [parts.declare(bytes, 2)]);
    expect([expired.status, expired.json.error?.code]).toEqual([410, 'upload_expired']);
    const { status, json } = await parts.list(upload.grant);
    expect([status, json]).toEqual([
      200,
      {
        uploadId: upload.uploadId,
        grant: expect.any(String),
        expiresInSeconds: 900,
        partSize,
        partCount: 3,
        parts: [1, 3].map((partNumber) => {
          const { size, checksum } = parts.declare(bytes, partNumber);
          return { partNumber, size, checksum };
        }),
      },
    ]);
    offset = 0;
    await parts.send(json.grant ?? '', bytes, [2]);
    expect((await parts.complete(json.grant ?? '')).status).toBe(200);
    const ended = await parts.list(json.grant ?? '');
    expect([ended.status, ended.json.error?.code]).toEqual([409, 'upload_conflict']);
  });

  it('a stream is completed with the size that the client reports', async () => {
    const storage = store.storage();
    const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
    const parts = createParts(app);
    const upload = await parts.begin(null);
    expect(upload).toMatchObject({ transfer: 'multipart', partSize, partCount: null });
    await parts.send(upload.grant, bytes);
    const withoutSize = await parts.complete(upload.grant);
    expect([withoutSize.status, withoutSize.json.error?.code]).toEqual([400, 'invalid_request']);
    const { status, json } = await parts.complete({ grant: upload.grant, size: bytes.length });
    expect([status, json.results?.[0]?.file?.size]).toEqual([200, bytes.length]);
    await expectNothingLeft(storage, upload);
  });

  it('an empty stream is accepted on a route that accepts empty files', async () => {
    const app = createTestApp(
      store.storage(),
      { a: route({ limits: { ...limits, minBytes: 0, contentTypes: ['*/*'] }, authorize: owner }) },
      options,
    );
    const parts = createParts(app);
    const upload = await parts.begin(null, { contentType: 'application/octet-stream' });
    const nothing = Buffer.alloc(0);
    const { json } = await parts.sign(upload.grant, [
      { partNumber: 1, size: 0, checksum: parts.checksumOf(nothing) },
      { partNumber: 2, size: 0, checksum: parts.checksumOf(nothing) },
    ]);
    expect(json.parts?.map(({ error }) => error?.code)).toEqual([undefined, 'part_invalid']);
    const request = json.parts?.[0]?.request;
    expect(request && (await send(request, nothing))).toBe(200);
    const done = await parts.complete({ grant: upload.grant, size: 0 });
    expect([done.status, done.json.results?.[0]?.file?.size]).toEqual([200, 0]);
  });

  it('credentials are renewed before they expire, and requests expire no later than they', async () => {
    const keys = { ...store.credentials };
    const requested: string[] = [];
    const storage = store.storage({
      credentials: () => {
        requested.push(keys.accessKeyId);
        // The credentials expire soon, so each call requests new ones.
        return { ...keys, expiration: new Date(Date.now() + 200_000) };
      },
    });
    const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
    const parts = createParts(app);
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [1]);
    const before = requested.length;
    const { json } = await parts.sign(upload.grant, [parts.declare(bytes, 2)]);
    expect(json.parts?.[0]?.expiresInSeconds).toBeLessThanOrEqual(200);
    await parts.send(upload.grant, bytes, [2, 3]);
    expect((await parts.complete(upload.grant)).status).toBe(200);
    expect(requested.length).toBeGreaterThan(before);
  });

  it('abort deletes all parts', async () => {
    const storage = store.storage();
    const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
    const parts = createParts(app);
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [3]);
    for (const _ of [1, 2]) expect((await app.abort(upload.grant)).status).toBe(200);
    await expectNothingLeft(storage, upload);
    expect((await parts.complete(upload.grant)).json.error?.code).toBe('upload_conflict');
    expect((await parts.list(upload.grant)).json.error?.code).toBe('upload_conflict');
  });

  describe('an incomplete upload', () => {
    it('completion names the missing parts', async () => {
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes, [2]);
      const { status, json } = await parts.complete(upload.grant);
      expect([status, json.error]).toMatchObject([409, { code: 'object_not_ready', details: { missing: [1, 3] } }]);
      await parts.send(upload.grant, bytes, [1, 3]);
      expect((await parts.complete(upload.grant)).status).toBe(200);
    });

    it('completion rejects another composite checksum permanently', async () => {
      const storage = store.storage();
      const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes);
      const checksum = parts.compositeOf(pngOf(bytes.length, 2));
      for (const _ of [1, 2]) {
        const { status, json } = await parts.complete({ grant: upload.grant, checksum });
        expect([status, json.error?.code]).toEqual([422, 'checksum_mismatch']);
      }
      expect((await parts.complete(upload.grant)).json.error?.code).toBe('checksum_mismatch');
      await expectNothingLeft(storage, upload);
    });
  });

  it('a batch can contain uploads in parts and uploads by one request', async () => {
    const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, options);
    const parts = createParts(app);
    const large = { fileName: 'big.png', size: bytes.length, contentType: 'image/png' };
    const files = [
      app.declare(png),
      large,
      { ...large, size: 200 * MiB },
      app.declare(png),
      { ...large, partSize: MiB },
    ];
    const transfers = ['form', 'put', 'multipart'];
    const { json } = await app.call('POST', '/uploads', { route: 'a', files, transfers });
    expect(json.uploads?.map((grant) => grant.error?.code ?? grant.transfer)).toEqual([
      expect.stringMatching(/form|put/),
      'multipart',
      'file_too_large',
      expect.stringMatching(/form|put/),
      'invalid_request',
    ]);
    const [first, second, , fourth] = json.uploads ?? [];
    expect(second).toMatchObject(planParts({ size: bytes.length }));
    if (!first || !second || !fourth) return expect.unreachable();
    const resized = await parts.begin(bytes);
    await Promise.all([send(first.request, png), parts.send(resized.grant, bytes)]);
    const completed = await parts.complete(first.grant, second.grant, { grant: resized.grant }, fourth.grant);
    expect(completed.status).toBe(200);
    expect(completed.json.results).toMatchObject([
      { file: { size: png.length } },
      { error: { code: 'object_not_ready', details: { missing: [1, 2, 3] } } },
      { file: { size: bytes.length } },
      { error: { code: 'object_not_ready' } },
    ]);
  });

  it('E4 an upload in parts that inspect rejects is deleted', async () => {
    const storage = store.storage();
    const events: UploadsEvent[] = [];
    const app = createTestApp(
      storage,
      {
        a: route({
          limits,
          authorize: owner,
          inspect: ({ file }) => ({ reject: `I do not like ${file.checksum?.parts} parts.` }),
          onComplete: () => expect.unreachable(),
        }),
      },
      { ...options, onEvent: (event) => events.push(event) },
    );
    const parts = createParts(app);
    const upload = await parts.begin(null);
    await parts.send(upload.grant, bytes);
    for (const _ of [1, 2]) {
      const { status, json } = await parts.complete({ grant: upload.grant, size: bytes.length });
      expect([status, json.error]).toMatchObject([422, { code: 'upload_rejected', message: 'I do not like 3 parts.' }]);
    }
    await expectNothingLeft(storage, upload);
    expect(await keysUnder(storage, `a/anna/${upload.uploadId}`)).toEqual([]);
    const rejected = events.filter(({ type }) => type === 'upload.rejected');
    expect(rejected).toMatchObject([{ size: bytes.length, code: 'upload_rejected' }]);
  });

  it('a slow completion answers 202 and continues', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const real = store.storage();
    const slow: Storage = { ...real, completeMultipart: (parts) => held.then(() => real.completeMultipart(parts)) };
    const app = createTestApp(
      slow,
      { a: route({ limits, authorize: owner }) },
      { ...options, completionWaitSeconds: 1 },
    );
    const parts = createParts(app);
    const small = bytes.subarray(0, partSize + 10);
    const upload = await parts.begin(small);
    await parts.send(upload.grant, small);
    const { status, json, headers } = await parts.complete(upload.grant);
    expect([status, json.results?.[0]?.completing, headers['retry-after']]).toEqual([202, true, '2']);
    const otherProcess = createParts(createTestApp(real, { a: route({ limits, authorize: owner }) }, options));
    expect((await otherProcess.complete(upload.grant)).status).toBe(202);
    expect((await otherProcess.list(upload.grant)).json.error?.code).toBe('upload_conflict');
    expect((await createTestApp(real, { a: route({ limits, authorize: owner }) }).abort(upload.grant)).status).toBe(
      409,
    );
    release();
    expect((await parts.complete(upload.grant)).status).toBe(200);
    await expectNothingLeft(real, upload);
  });

  it('an upload of a client that disappeared is completed by its sidecar', async () => {
    const storage = store.storage();
    const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
    const parts = createParts(app);
    const small = bytes.subarray(0, partSize + 10);
    const [upload, stream] = [await parts.begin(small), await parts.begin(null)];
    await parts.send(stream.grant, small);
    expect(await app.uploads.completeObject(`incoming/${stream.uploadId}`)).toBeNull();
    await expect(app.uploads.completeObject(`incoming/${upload.uploadId}`)).rejects.toMatchObject({
      code: 'object_not_ready',
    });
    await parts.send(upload.grant, small);
    expect(await app.uploads.completeObject(`incoming/${upload.uploadId}`)).toMatchObject({
      file: { size: small.length, checksum: parts.compositeOf(small) },
    });
    expect(await app.uploads.completeObject(`incoming/${upload.uploadId}`)).toBeNull();
    await expectNothingLeft(storage, upload);
    // A stream needs a size: neither the server nor the storage knows where it ends.
    await expect(app.uploads.complete(stream.grant)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(await app.uploads.complete(stream.grant, { size: small.length })).toMatchObject({
      file: { size: small.length },
    });
  });

  it('a completion renews its lease while inspect runs', async () => {
    const storage = store.storage();
    let offset = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reportInspection = () => {};
    const inspectionBegan = new Promise<void>((resolve) => {
      reportInspection = resolve;
    });
    let inspections = 0;
    const routes = {
      a: route({
        limits,
        authorize: owner,
        inspect: async () => {
          inspections += 1;
          reportInspection();
          await held;
        },
      }),
    };
    const clock = { ...options, now: () => Date.now() + offset };
    const [parts, second] = [createParts(createTestApp(storage, routes, clock)), createTestApp(storage, routes, clock)];
    const small = bytes.subarray(0, partSize + 10);
    const upload = await parts.begin(small);
    await parts.send(upload.grant, small);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const first = parts.complete(upload.grant);
      await inspectionBegan;
      const marker = `incoming/.waybill/${upload.uploadId}`;
      for (let round = 0; round < 3; round += 1) {
        const before = (await storage.head(marker))?.etag;
        offset += 45_000;
        vi.advanceTimersByTime(15_000);
        await expect.poll(async () => (await storage.head(marker))?.etag, { interval: 10 }).not.toBe(before);
        expect((await second.complete(upload.grant)).status).toBe(202);
      }
      release();
      expect((await first).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
    expect(inspections).toBe(1);
    await expectNothingLeft(storage, upload);
  });

  describe('a copy in parts', () => {
    const copies = { ...options, copyMaxBytes: 5 * MiB };

    it('a file that is too large for one copy is copied in parts', async () => {
      const storage = store.storage();
      let copied = 0;
      const counting: Storage = {
        ...storage,
        copy: () => expect.unreachable(),
        copyPart: (part) => {
          copied += 1;
          return storage.copyPart(part);
        },
      };
      const app = createTestApp(counting, { a: route({ limits, authorize: owner }) }, copies);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes);
      const { status, json } = await parts.complete({ grant: upload.grant, checksum: parts.compositeOf(bytes) });
      const file = json.results?.[0]?.file;
      expect([status, copied, file?.checksum]).toEqual([200, 3, { ...parts.compositeOf(bytes), parts: 3 }]);
      const stored = await storage.get(file?.key ?? '');
      expect(Buffer.from(await new Response(stored?.body ?? null).arrayBuffer()).equals(bytes)).toBe(true);
      expect(stored?.info).toMatchObject({
        etag: file?.etag,
        contentType: 'image/png',
        contentDisposition: 'inline; filename="big.png"',
        cacheControl: 'private, max-age=86400, immutable',
        metadata: { 'waybill-upload': upload.uploadId },
      });
      await expectNothingLeft(storage, upload);
    });

    it('a copy that fails leaves no parts at the key, and is repeated', async () => {
      const storage = store.storage();
      let failures = 1;
      const failingOnce: Storage = {
        ...storage,
        copyPart: async (part) => {
          if (part.partNumber === 2 && failures-- > 0)
            throw new S3Error({ code: 'SlowDown', status: 503, message: 'Later.' });
          return storage.copyPart(part);
        },
      };
      const app = createTestApp(failingOnce, { a: route({ limits, authorize: owner }) }, copies);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes);
      const failed = await parts.complete(upload.grant);
      expect([failed.status, failed.json.error?.code]).toEqual([503, 'storage_unavailable']);
      expect((await storage.listMultiparts({ prefix: `a/anna/${upload.uploadId}` })).uploads).toEqual([]);
      expect((await parts.complete(upload.grant)).status).toBe(200);
      await expectNothingLeft(storage, upload);
    });

    it('a completion replaces the unfinished copy of a crashed process, and renews its own lease', async () => {
      const storage = store.storage();
      let offset = 0;
      const renewals: number[] = [];
      const hanging: Storage = {
        ...storage,
        copyPart: async (part) => (part.partNumber === 2 ? new Promise(() => {}) : storage.copyPart(part)),
      };
      const slow: Storage = {
        ...storage,
        put: async (put) => {
          const { state, leaseUntil } = JSON.parse(String(put.body)) as { state: string; leaseUntil: number };
          if (state === 'completing') renewals.push(leaseUntil);
          return storage.put(put);
        },
        copyPart: async (part) => {
          offset += 40_000;
          return storage.copyPart(part);
        },
      };
      const routes = { a: route({ limits, authorize: owner }) };
      const clock = { ...copies, now: () => Date.now() + offset };
      const parts = createParts(createTestApp(slow, routes, clock));
      const upload = await createParts(createTestApp(storage, routes, copies)).begin(bytes);
      await parts.send(upload.grant, bytes);
      void createParts(createTestApp(hanging, routes, copies)).complete(upload.grant);
      const copying = async () =>
        (await storage.listMultiparts({ prefix: `a/anna/${upload.uploadId}` })).uploads.length;
      await expect.poll(copying, { interval: 20 }).toBe(1);
      expect((await parts.complete(upload.grant)).status).toBe(202);
      offset = 10 * 60_000;
      const { status, json } = await parts.complete(upload.grant);
      expect([status, json.results?.[0]?.file?.size]).toEqual([200, bytes.length]);
      expect(await copying()).toBe(0);
      // Three copies take 40 seconds each, and the lease lasts a minute.
      expect(renewals.length).toBeGreaterThanOrEqual(2);
      expect(renewals).toEqual([...renewals].sort((a, b) => a - b));
    });

    it('a copy in parts does not replace an existing object', async () => {
      const storage = store.storage();
      const app = createTestApp(
        storage,
        { a: route({ limits, authorize: owner, key: () => 'taken/by-parts' }) },
        copies,
      );
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      // After the grant, which checks that the key is free.
      await storage.put({ key: 'taken/by-parts', body: 'mine', contentType: 'text/plain' });
      await parts.send(upload.grant, bytes);
      expect((await parts.complete(upload.grant)).json.error?.code).toBe('upload_conflict');
      expect((await storage.head('taken/by-parts'))?.size).toBe(4);
      expect((await storage.listMultiparts({ prefix: 'taken/by-parts' })).uploads).toEqual([]);
      await expectNothingLeft(storage, upload);
    });
  });

  describe('after a crash', () => {
    /** The process crashes at this call, before or after the storage has executed it. */
    const crashes: [operation: keyof Storage, when: 'before' | 'after', nth: number][] = [
      ['listParts', 'after', 1],
      ['put', 'before', 1],
      ['put', 'after', 1],
      ['completeMultipart', 'before', 1],
      ['completeMultipart', 'after', 1],
      ['head', 'before', 1],
      ['put', 'before', 2],
      ['put', 'after', 2],
      ['copy', 'before', 1],
      ['copy', 'after', 1],
      ['put', 'before', 3],
      ['put', 'after', 3],
      ['delete', 'before', 1],
      ['delete', 'before', 2],
    ];
    it.each(crashes)('the next call completes the upload: %s, %s, call %d', async (operation, when, nth) => {
      const storage = store.storage();
      let calls = 0;
      let hasCrashed = false;
      const crashing = Object.fromEntries(
        Object.entries(storage).map(([name, value]) => [
          name,
          typeof value !== 'function'
            ? value
            : async (...args: unknown[]) => {
                const crashesHere = !hasCrashed && name === operation && ++calls === nth;
                if (hasCrashed || (crashesHere && when === 'before')) {
                  hasCrashed = true;
                  return new Promise(() => {});
                }
                const result: unknown = await (value as (...all: unknown[]) => unknown)(...args);
                if (!crashesHere) return result;
                hasCrashed = true;
                return new Promise(() => {});
              },
        ]),
      ) as unknown as Storage;
      let offset = 0;
      const announced: string[] = [];
      const routes = {
        a: route({ limits, authorize: owner, onComplete: ({ uploadId }) => announced.push(uploadId) }),
      };
      const app = createTestApp(storage, routes, { ...options, now: () => Date.now() + offset });
      const parts = createParts(app);
      const small = bytes.subarray(0, partSize + 10);
      const upload = await parts.begin(small);
      await parts.send(upload.grant, small);
      // The crashed process never answers.
      void createParts(createTestApp(crashing, routes, options)).complete(upload.grant);
      await expect.poll(() => hasCrashed, { interval: 5 }).toBe(true);
      offset = 10 * 60_000;
      const { status, json } = await parts.complete({ grant: upload.grant, checksum: parts.compositeOf(small) });
      expect([status, json]).toMatchObject([
        200,
        { results: [{ file: { size: small.length, checksum: { ...parts.compositeOf(small), parts: 2 } } }] },
      ]);
      expect(new Set(announced)).toEqual(new Set([upload.uploadId]));
      const file = await storage.get(json.results?.[0]?.file?.key ?? '');
      expect(Buffer.from(await new Response(file?.body ?? null).arrayBuffer()).equals(small)).toBe(true);
      expect((await parts.complete(upload.grant)).json).toEqual(json);
      expect(
        (await storage.listMultiparts({ prefix: '' })).uploads.filter(({ key }) => key.includes(upload.uploadId)),
      ).toEqual([]);
    });
  });

  describe('unexpected answers of the storage', () => {
    const lost = () => Promise.reject(new S3Error({ code: 'InternalError', status: 500, message: 'Lost.' }));

    it.each([
      ['a lost answer to CompleteMultipartUpload', (done: () => Promise<never>) => done().then(lost)],
      [
        'NoSuchUpload after an earlier attempt succeeded',
        async (done: () => Promise<unknown>) => {
          await done();
          return done() as Promise<never>;
        },
      ],
    ])('%s loses nothing', async (_, answer) => {
      const real = store.storage();
      let isFirst = true;
      const storage: Storage = {
        ...real,
        completeMultipart: (all) => {
          const done = () => real.completeMultipart(all) as Promise<never>;
          if (!isFirst) return done();
          isFirst = false;
          return answer(done);
        },
      };
      const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const small = bytes.subarray(0, partSize + 10);
      const upload = await parts.begin(small);
      await parts.send(upload.grant, small);
      const first = await parts.complete(upload.grant);
      expect([200, 503]).toContain(first.status);
      expect((await parts.complete(upload.grant)).status).toBe(200);
      await expectNothingLeft(real, upload);
    });

    it('409 to CompleteMultipartUpload answers upload_expired, because all parts must be sent again', async () => {
      const real = store.storage();
      const storage: Storage = {
        ...real,
        completeMultipart: () =>
          Promise.reject(new S3Error({ code: 'ConditionalRequestConflict', status: 409, message: 'Again.' })),
      };
      const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const small = bytes.subarray(0, partSize + 10);
      const upload = await parts.begin(small);
      await parts.send(upload.grant, small);
      for (const _ of [1, 2]) {
        const { status, json } = await parts.complete(upload.grant);
        expect([status, json.error?.code]).toEqual([410, 'upload_expired']);
      }
      await expectNothingLeft(real, upload);
    });

    it('completion lists the parts again when one was replaced after the first list', async () => {
      const real = store.storage();
      const small = bytes.subarray(0, partSize + 10);
      let resend: (() => Promise<void>) | null = null;
      const storage: Storage = {
        ...real,
        listParts: async (key, id) => {
          const listed = await real.listParts(key, id);
          await resend?.();
          resend = null;
          return listed;
        },
      };
      const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const upload = await parts.begin(small);
      await parts.send(upload.grant, pngOf(small.length, 9));
      resend = () => parts.send(upload.grant, small);
      const { status, json } = await parts.complete({ grant: upload.grant });
      expect([status, json.results?.[0]?.file?.checksum]).toEqual([200, { ...parts.compositeOf(small), parts: 2 }]);
    });

    it('completion answers upload_expired when the storage has aborted the multipart upload', async () => {
      const storage = store.storage();
      const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      const [multipart] = (await storage.listMultiparts({ prefix: `incoming/${upload.uploadId}` })).uploads;
      await storage.abortMultipart(`incoming/${upload.uploadId}`, multipart?.multipartId ?? '');
      for (const answer of [await parts.list(upload.grant), await parts.complete(upload.grant)])
        expect([answer.status, answer.json.error?.code]).toEqual([410, 'upload_expired']);
    });
  });
});

it('an upload in parts can be completed after the access key of its first parts was deleted', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-rotation-'));
  const [old, next] = ['old', 'next'].map((name) => ({
    accessKeyId: `AK${name}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  })) as [Credentials, Credentials];
  const devstore = await createDevstore({ dir, credentials: [old, next], buckets: ['rotated'] });
  let after: typeof devstore | undefined;
  try {
    let endpoint = new URL((await devstore.listen({ port: 0 })).url).origin;
    let current = { ...old, expiration: new Date(Date.now() + 120_000) };
    const appAt = () =>
      createTestApp(
        s3Storage({ bucket: 'rotated', endpoint, credentials: () => current, capabilities: 'devstore' }),
        { a: route({ limits, authorize: owner }) },
        options,
      );
    const bytes = pngOf(partSize + 10);
    let parts = createParts(appAt());
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [1]);
    current = { ...next, expiration: new Date(Date.now() + 3600_000) };
    await parts.send(upload.grant, bytes, [2]);
    // The old access key is deleted.
    await devstore.close();
    after = await createDevstore({ dir, credentials: [next], buckets: ['rotated'] });
    endpoint = new URL((await after.listen({ port: 0 })).url).origin;
    parts = createParts(appAt());
    expect((await parts.list(upload.grant)).json.parts).toHaveLength(2);
    expect((await parts.complete(upload.grant)).status).toBe(200);
  } finally {
    await Promise.allSettled([devstore.close(), after?.close()]);
    await rm(dir, { recursive: true, force: true });
  }
});
