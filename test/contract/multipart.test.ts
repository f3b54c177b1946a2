/** The multipart operations of `Storage` on every store, as far as completion and promotion depend on them. */
import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partBytes } from '../../src/protocol/index.ts';
import type { PartInfo, Storage } from '../../src/s3/index.ts';
import { checksumOf, sendPresigned } from '../support/send.ts';
import { forEachStore } from '../support/stores.ts';

const MiB = 1024 ** 2;
const partSize = 5 * MiB;
/** Two full parts and a small one. */
const file = randomBytes(2 * partSize + 1003);
const partOf = (partNumber: number) => file.subarray((partNumber - 1) * partSize, partNumber * partSize);

forEachStore('multipart', (store) => {
  const uniqueKey = (name = 'file') => `multipart/${randomUUID()}/${name}`;
  /** Answer to a completion after an abort. Ceph deviates: see deviations.ts. */
  const abortedAnswer = store.name === 'ceph' ? { code: 'InternalError' } : { status: 404, code: 'NoSuchUpload' };
  const algorithmOf = ({ capabilities }: Storage) => capabilities.partChecksums[0] ?? 'md5';

  async function begin(storage: Storage, key = uniqueKey()) {
    const { multipartId } = await storage.createMultipart({
      key,
      contentType: 'video/mp4',
      metadata: { waybill: 'receipt' },
      checksumAlgorithm: algorithmOf(storage),
    });
    const presign = (
      partNumber: number,
      bytes: Uint8Array | string,
      change: Partial<{ size: number; key: string }> = {},
    ) =>
      storage.presignPart({
        key,
        multipartId,
        partNumber,
        size: bytes.length,
        checksum: checksumOf(algorithmOf(storage), bytes),
        expiresInSeconds: 60,
        ...change,
      });
    const send = async (partNumber: number, bytes: Uint8Array<ArrayBuffer> | string) => {
      expect((await sendPresigned(presign(partNumber, bytes), bytes)).status).toBe(200);
    };
    const list = async (): Promise<PartInfo[]> => {
      const parts = await storage.listParts(key, multipartId);
      if (!parts) throw new Error('The multipart upload does not exist.');
      return parts;
    };
    return { key, multipartId, presign, send, list };
  }

  async function sendFile(storage: Storage, key = uniqueKey()) {
    const upload = await begin(storage, key);
    for (const partNumber of [3, 1, 2]) await upload.send(partNumber, partOf(partNumber));
    return { ...upload, parts: await upload.list(), size: file.length };
  }

  it('completeMultipart() makes an object of the bytes that were sent', async () => {
    const storage = store.storage();
    const upload = await sendFile(storage);
    expect(upload.parts.map(({ partNumber, size }) => [partNumber, size])).toEqual(
      [1, 2, 3].map((number) => [number, partBytes(file.length, partSize, number)]),
    );
    const [algorithm] = storage.capabilities.partChecksums;
    for (const { partNumber, etag, checksums } of upload.parts) {
      const md5 = checksumOf('md5', partOf(partNumber));
      expect(etag).toBe(`"${Buffer.from(md5.value, 'base64').toString('hex')}"`);
      if (algorithm) expect(checksums[algorithm]).toBe(checksumOf(algorithm, partOf(partNumber)).value);
    }
    expect(await storage.head(upload.key)).toBeNull();
    const done = await storage.completeMultipart(upload);
    const info = await storage.head(upload.key);
    expect(info).toMatchObject({ size: file.length, contentType: 'video/mp4', metadata: { waybill: 'receipt' } });
    expect(info?.etag).toMatch(/^"[0-9a-f]{32}-3"$/);
    if (done.etag !== '') expect(done.etag).toBe(info?.etag);
    if (algorithm) {
      const pieces = upload.parts.map(({ checksums }) => Buffer.from(checksums[algorithm] ?? '', 'base64'));
      const composite = checksumOf(algorithm, Buffer.concat(pieces)).value;
      expect(done.checksums[algorithm]).toBe(composite);
      expect(info?.checksums[algorithm]).toBe(`${composite}-3`);
    }
    const got = await storage.get(upload.key);
    expect(Buffer.from(await new Response(got?.body).arrayBuffer()).equals(file)).toBe(true);
    const seam = await storage.get(upload.key, { range: [partSize - 3, partSize + 2] });
    expect(Buffer.from(await new Response(seam?.body).arrayBuffer())).toEqual(
      file.subarray(partSize - 3, partSize + 3),
    );
    expect(await storage.listParts(upload.key, upload.multipartId)).toBeNull();
  });

  it('a repeated completion succeeds, or fails with NoSuchUpload or PreconditionFailed', async () => {
    const storage = store.storage();
    const upload = await sendFile(storage);
    await storage.completeMultipart(upload);
    const { etag } = (await storage.head(upload.key)) ?? {};
    const again = await storage.completeMultipart(upload).catch((error: unknown) => error);
    expect([{ etag }, { code: 'NoSuchUpload' }, { code: 'PreconditionFailed' }]).toContainEqual(
      Object.hasOwn(again as object, 'etag')
        ? { etag: (again as { etag: string }).etag }
        : { code: (again as { code: string }).code },
    );
    expect((await storage.head(upload.key))?.etag).toBe(etag);
    const stranger = { ...upload, multipartId: `${upload.multipartId.slice(0, -2)}zz`, key: uniqueKey() };
    await expect(storage.completeMultipart(stranger)).rejects.toMatchObject(abortedAnswer);
    expect(await storage.head(stranger.key)).toBeNull();
  });

  it('a completion whose answer is lost is retried and stores the object', async () => {
    let lost = 0;
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.method !== 'POST' || !String(input).includes('uploadId=') || lost++ > 0) return response;
      await response.body?.cancel();
      throw new TypeError('fetch failed');
    };
    const storage = store.storage({ retries: 2, random: () => 0, fetch: losing });
    const upload = await begin(storage);
    await upload.send(1, 'only once');
    const parts = await upload.list();
    const failure = await storage.completeMultipart({ ...upload, parts, size: 9 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    // Some storages do not remember the completed upload. The server then looks for the object.
    if (failure !== undefined)
      expect(['NoSuchUpload', 'PreconditionFailed']).toContain((failure as { code: string }).code);
    expect(lost).toBeGreaterThan(1);
    expect(await new Response((await storage.get(upload.key))?.body).text()).toBe('only once');
    expect(await storage.listParts(upload.key, upload.multipartId)).toBeNull();
  });

  it('one of two uploads with the same key that complete at once wins, where the storage supports it', async () => {
    const storage = store.storage();
    if (!storage.capabilities.completeOnce) return;
    const key = uniqueKey();
    const uploads = await Promise.all(
      ['first', 'other'].map(async (text) => ({ text, upload: await begin(storage, key) })),
    );
    for (const { text, upload } of uploads) await upload.send(1, text);
    const lists = await Promise.all(uploads.map(({ upload }) => upload.list()));
    const results = await Promise.allSettled(
      uploads.map(({ upload }, index) => storage.completeMultipart({ ...upload, parts: lists[index] ?? [], size: 5 })),
    );
    const won = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { status: expect.toSatisfy((status) => status === 412 || status === 409) } },
    ]);
    expect(await new Response((await storage.get(key))?.body).text()).toBe(uploads[won]?.text);
  });

  it('a part with other bytes, another size or another number than signed is refused and not stored', async () => {
    const storage = store.storage();
    const upload = await begin(storage);
    const right = 'the right bytes';
    const request = upload.presign(1, right);
    const other = await begin(storage);
    const attempts: [name: string, request: typeof request, bytes: string][] = [
      ['other bytes', request, 'the wrong bytes'],
      ['a byte more', request, `${right}!`],
      ['a byte less', request, right.slice(1)],
      ['nothing', request, ''],
      ['another number', { ...request, url: request.url.replace('partNumber=1&', 'partNumber=2&') }, right],
      ['another upload', { ...request, url: request.url.replace(upload.multipartId, other.multipartId) }, right],
      ['another key', { ...request, url: request.url.replace(upload.key, other.key) }, right],
      ['no part at all', { ...request, url: request.url.replace(/&partNumber=.*?(?=&X-Amz-Signature)/, '') }, right],
    ];
    for (const [name, attempt, bytes] of attempts) {
      const { status } = await sendPresigned(attempt, bytes);
      expect(status, name).toBeGreaterThanOrEqual(400);
      expect(status, name).toBeLessThan(500);
    }
    expect(await upload.list()).toEqual([]);
    expect(await other.list()).toEqual([]);
    expect(await storage.head(upload.key)).toBeNull();
    expect((await sendPresigned(request, right)).status).toBe(200);
  });

  it('a part is accepted only with the host name that it was signed for', async () => {
    const names = [store.endpoint, store.endpoint.replace('127.0.0.1', 'localhost')];
    const storage = store.storage({ publicEndpoint: names });
    const upload = await begin(storage);
    const checksum = checksumOf(algorithmOf(storage), 'hi');
    const part = { key: upload.key, multipartId: upload.multipartId, size: 2, checksum, expiresInSeconds: 60 };
    for (const host of [0, 1]) {
      const request = storage.presignPart({ ...part, partNumber: host + 1, host });
      expect(new URL(request.url).origin).toBe(names[host]);
      const moved = { ...request, url: request.url.replace(names[host] ?? '', names[1 - host] ?? '') };
      expect((await sendPresigned(moved, 'hi')).status).toBe(403);
      expect((await sendPresigned(request, 'hi')).status).toBe(200);
    }
    expect((await upload.list()).map(({ partNumber }) => partNumber)).toEqual([1, 2]);
  });

  it('the later of two parts with the same number counts', async () => {
    const storage = store.storage();
    const upload = await begin(storage);
    await upload.send(1, 'first');
    const stale = await upload.list();
    await upload.send(1, 'second');
    const moved = storage.completeMultipart({ ...upload, parts: stale, size: 5, once: false });
    await expect(moved).rejects.toMatchObject({ status: 400, code: 'InvalidPart' });
    await storage.completeMultipart({ ...upload, parts: await upload.list(), size: 6, once: false });
    expect(await new Response((await storage.get(upload.key))?.body).text()).toBe('second');
  });

  it('a completion with invalid parts is refused, and the upload can continue', async () => {
    const storage = store.storage();
    const upload = await begin(storage);
    await upload.send(1, 'small');
    await upload.send(2, 'small, too');
    const parts = await upload.list();
    const [first] = parts;
    if (!first) throw new Error('two parts');
    const complete = (change: readonly PartInfo[], size: number) =>
      storage.completeMultipart({ ...upload, parts: change, size, once: false });
    await expect(complete(parts, 15)).rejects.toMatchObject({ status: 400, code: 'EntityTooSmall' });
    await expect(complete([{ ...first, partNumber: 9 }], 5)).rejects.toMatchObject({
      status: 400,
      code: 'InvalidPart',
    });
    await expect(complete([], 0)).rejects.toMatchObject({ status: 400 });
    // Storages that ignore the size are listed in deviations.ts. The server compares the sizes itself.
    if (storage.capabilities.completeOnce)
      await expect(complete([first], 4)).rejects.toMatchObject({ status: 400, code: 'InvalidRequest' });
    expect(await storage.head(upload.key)).toBeNull();
    expect(await upload.list()).toEqual(parts);
    if (store.name === 'ceph') return;
    await complete([first], 5);
    expect((await storage.head(upload.key))?.size).toBe(5);
  });

  it('a completion does not replace an existing object, where the storage supports it', async () => {
    const storage = store.storage();
    const upload = await begin(storage);
    await upload.send(1, 'late');
    await storage.put({ key: upload.key, body: 'early' });
    const parts = await upload.list();
    if (!storage.capabilities.completeOnce) {
      await storage.completeMultipart({ ...upload, parts, size: 4 });
      expect((await storage.head(upload.key))?.size).toBe(4);
      return;
    }
    await expect(storage.completeMultipart({ ...upload, parts, size: 4 })).rejects.toMatchObject({ status: 412 });
    expect(await new Response((await storage.get(upload.key))?.body).text()).toBe('early');
    expect(await upload.list()).toEqual(parts);
    await storage.abortMultipart(upload.key, upload.multipartId);
  });

  it('abortMultipart() ends an upload: it has no parts, no list and no completion', async () => {
    const storage = store.storage();
    const upload = await begin(storage);
    await upload.send(1, 'aborted');
    const parts = await upload.list();
    await storage.abortMultipart(upload.key, upload.multipartId);
    await storage.abortMultipart(upload.key, upload.multipartId);
    expect(await storage.listParts(upload.key, upload.multipartId)).toBeNull();
    expect((await sendPresigned(upload.presign(1, 'aborted'), 'aborted')).status).toBe(404);
    await expect(storage.completeMultipart({ ...upload, parts, size: 8 })).rejects.toMatchObject(abortedAnswer);
    expect(await storage.head(upload.key)).toBeNull();
    expect(await storage.listParts(uniqueKey(), 'nonsense')).toBeNull();
  });

  it('listParts() returns more parts than one page holds', async () => {
    const storage = store.storage();
    const upload = await begin(storage);
    const numbers = Array.from({ length: 1007 }, (_, index) => 10_000 - 3 * index);
    const waiting = [...numbers];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let number = waiting.pop(); number !== undefined; number = waiting.pop())
          await upload.send(number, `${number}`);
      }),
    );
    const parts = await upload.list();
    expect(parts.map(({ partNumber }) => partNumber)).toEqual(numbers.reverse());
    expect(parts.every(({ partNumber, size }) => size === String(partNumber).length)).toBe(true);
    await storage.abortMultipart(upload.key, upload.multipartId);
  });

  it('listMultiparts() returns uploads by prefix, with unusual keys', async () => {
    const storage = store.storage();
    const prefix = uniqueKey('');
    const made = new Map<string, string>();
    for (const name of ['a', 'b+c d', 'e%2ff', 'g&<i>', '\u00fc', '🚢', 'a/deeper'])
      made.set(
        `${prefix}${name}`,
        (await storage.createMultipart({ key: `${prefix}${name}`, contentType: 'text/plain' })).multipartId,
      );
    await storage.createMultipart({ key: `${prefix.slice(0, -1)}-sibling`, contentType: 'text/plain' });
    const { uploads, next } = await storage.listMultiparts({ prefix });
    expect(next).toBeUndefined();
    expect(Object.fromEntries(uploads.map(({ key, multipartId }) => [key, multipartId]))).toEqual(
      Object.fromEntries(made),
    );
    for (const { initiated } of uploads) expect(Math.abs(Date.parse(initiated) - Date.now())).toBeLessThan(60_000);
    const [first] = uploads;
    if (!first) throw new Error('seven uploads');
    const behind = await storage.listMultiparts({
      prefix,
      next: { keyMarker: first.key, multipartIdMarker: first.multipartId },
    });
    expect(behind.uploads).toEqual(uploads.slice(1));
    for (const { key, multipartId } of uploads) await storage.abortMultipart(key, multipartId);
    expect(await storage.listMultiparts({ prefix })).toEqual({ uploads: [] });
  });

  it('a copy in the parts of the original has the same ETag', async () => {
    const storage = store.storage();
    const original = await sendFile(storage, uniqueKey('from &+ ü'));
    await storage.completeMultipart(original);
    const source = await storage.head(original.key);
    const copy = await begin(storage, uniqueKey('to &+% ü'));
    const parts = await Promise.all(
      original.parts.map(({ partNumber, size }) => {
        const first = (partNumber - 1) * partSize;
        const range = [first, first + size - 1] as const;
        return storage.copyPart({
          from: original.key,
          sourceEtag: source?.etag ?? '',
          to: copy.key,
          multipartId: copy.multipartId,
          partNumber,
          range,
        });
      }),
    );
    const undated = (listed: readonly PartInfo[] | null) => listed?.map(({ lastModified: _, ...part }) => part);
    expect(parts).toEqual(undated(original.parts));
    expect(undated(await copy.list())).toEqual(parts);
    await storage.completeMultipart({ ...copy, parts, size: file.length });
    const copied = await storage.head(copy.key);
    expect(copied).toMatchObject({ size: file.length, etag: source?.etag, checksums: source?.checksums });
    const got = await storage.get(copy.key);
    expect(Buffer.from(await new Response(got?.body).arrayBuffer()).equals(file)).toBe(true);
    await storage.delete(original.key);
    expect((await storage.head(copy.key))?.size).toBe(file.length);
  });

  it('copyPart() refuses a source that is missing, changed or shorter', async () => {
    const storage = store.storage();
    const from = uniqueKey();
    await storage.put({ key: from, body: 'ten bytes.' });
    const { key: to, multipartId, list } = await begin(storage);
    const copy = { from, to, multipartId, partNumber: 1, range: [0, 9] as const };
    await expect(storage.copyPart({ ...copy, from: uniqueKey() })).rejects.toMatchObject({ status: 404 });
    const beyond = await storage
      .copyPart({ ...copy, range: [0, 10] })
      .catch((error: { status: number }) => error.status);
    expect([400, 416]).toContain(beyond);
    const stale = { ...copy, sourceEtag: `"${'0'.repeat(32)}"` };
    if (storage.capabilities.copyPrecondition)
      await expect(storage.copyPart(stale)).rejects.toMatchObject({ status: 412 });
    expect(await list()).toEqual([]);
    expect(await storage.copyPart(copy)).toMatchObject({ partNumber: 1, size: 10 });
  });

  it('copied and sent parts of any range make the same bytes', async () => {
    const storage = store.storage();
    const source = uniqueKey();
    await storage.put({ key: source, body: file });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(file.length - partSize),
        fc.nat(file.length - 1),
        fc.integer({ min: 1, max: 64 }),
        async (start, tail, length) => {
          const upload = await begin(storage);
          const last = file.subarray(tail, tail + length);
          const range = [start, start + partSize - 1] as const;
          await storage.copyPart({
            from: source,
            to: upload.key,
            multipartId: upload.multipartId,
            partNumber: 4,
            range,
          });
          await upload.send(9, last);
          const size = partSize + last.length;
          await storage.completeMultipart({ ...upload, parts: await upload.list(), size });
          const got = await storage.get(upload.key);
          const expected = Buffer.concat([file.subarray(start, start + partSize), last]);
          expect(Buffer.from(await new Response(got?.body).arrayBuffer()).equals(expected)).toBe(true);
          await storage.delete(upload.key);
        },
      ),
      { numRuns: 8 },
    );
  });
});
