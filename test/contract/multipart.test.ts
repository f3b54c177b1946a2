/** Uploads in parts: from the plan to the file, on every storage. */
import { describe, expect, it } from 'vitest';
import { MiB, type MultipartGrant } from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type Owner, route } from '../../src/server/index.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100 * MiB };
const options = { multipartMinBytes: 5 * MiB };

async function keysUnder(storage: Storage, prefix: string): Promise<string[]> {
  return (await storage.list({ prefix })).objects.map(({ key }) => key);
}

/** Nothing of the upload but its marker. */
async function expectNothingLeft(storage: Storage, { uploadId }: Pick<MultipartGrant, 'uploadId'>): Promise<void> {
  expect(await keysUnder(storage, `incoming/${uploadId}`)).toEqual([]);
  expect(await keysUnder(storage, `incoming/.waybill/${uploadId}.parts`)).toEqual([]);
  expect((await storage.listMultiparts({ prefix: `incoming/${uploadId}` })).uploads).toEqual([]);
}

forEachStore('multipart', (store) => {
  const bytes = pngOf(2 * partSize + 1234);

  it('goes from the plan to the file, and leaves only the file', async () => {
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

  it('tells what arrived and goes on with a renewed grant', async () => {
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

  it('takes a stream, whose size the completion tells', async () => {
    const storage = store.storage();
    const app = createTestApp(storage, { a: route({ limits, authorize: owner }) }, options);
    const parts = createParts(app);
    const upload = await parts.begin(null);
    expect(upload).toMatchObject({ transfer: 'multipart', partSize, partCount: null });
    await parts.send(upload.grant, bytes);
    const unsaid = await parts.complete(upload.grant);
    expect([unsaid.status, unsaid.json.error?.code]).toEqual([400, 'invalid_request']);
    const { status, json } = await parts.complete({ grant: upload.grant, size: bytes.length });
    expect([status, json.results?.[0]?.file?.size]).toEqual([200, bytes.length]);
    await expectNothingLeft(storage, upload);
  });

  it('frees everything on abort', async () => {
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

  describe('what does not make the file', () => {
    it('names the parts that are missing', async () => {
      const app = createTestApp(store.storage(), { a: route({ limits, authorize: owner }) }, options);
      const parts = createParts(app);
      const upload = await parts.begin(bytes);
      await parts.send(upload.grant, bytes, [2]);
      const { status, json } = await parts.complete(upload.grant);
      expect([status, json.error]).toMatchObject([409, { code: 'object_not_ready', details: { missing: [1, 3] } }]);
      await parts.send(upload.grant, bytes, [1, 3]);
      expect((await parts.complete(upload.grant)).status).toBe(200);
    });

    it('refuses another composite, for good', async () => {
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
});
