/** The client on Node sends files in parts and streams through the real server to every storage. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createClient } from '../../src/client/index.ts';
import { createClient as createNodeClient, fileSource } from '../../src/client/node/index.ts';
import { MiB } from '../../src/protocol/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';

/** Plain text of any length, so that its content matches its type. */
const prose = (size: number) => {
  const piece = randomBytes(1 << 19).toString('hex');
  return Buffer.from(piece.repeat(Math.ceil(size / piece.length)).slice(0, size));
};

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

forEachStore('files in parts', (store) => {
  let endpoint: string;
  let server: Server;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-parts-'));
    const uploads = createUploads({
      storage: store.storage(),
      secret: 'client-suite-secret-of-more-than-32-characters',
      routes: {
        files: route({
          limits: { maxBytes: 100 * MiB, contentTypes: ['*/*'], minBytes: 0 },
          authorize: () => ({ ownerId: 'alice' }),
          onComplete: ({ file }) => ({ stored: file.size }),
        }),
        tight: route({ limits: { maxBytes: 11 * MiB }, authorize: () => ({ ownerId: 'alice' }) }),
      },
    });
    server = createServer(toNodeHandler(uploads));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/uploads`;
  });

  afterAll(async () => {
    await stop(server);
    await rm(dir, { recursive: true, force: true });
  });

  async function stored(key: string | undefined): Promise<string> {
    const found = await store.storage().get(key ?? '');
    const hash = createHash('sha256');
    for await (const piece of found?.body ?? []) hash.update(piece);
    return hash.digest('hex');
  }

  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

  it.each([16 * MiB, 64 * MiB + 1])(
    'stores %i bytes from the disk',
    async (size) => {
      const bytes = prose(size);
      const path = join(dir, 'large.txt');
      await writeFile(path, bytes);
      const upload = createNodeClient({ endpoint }).upload('files', await fileSource(path));
      const seen = new Set<number>();
      upload.subscribe(() => seen.add(upload.getSnapshot().loaded));
      const { file, data } = await upload.done;
      expect(upload.getSnapshot()).toMatchObject({ status: 'done', transfer: 'multipart', loaded: size, total: size });
      expect(data).toEqual({ stored: size });
      expect(file.checksum?.parts).toBeGreaterThan(1);
      expect(await stored(file.key)).toBe(sha256(bytes));
      expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
      expect(seen.size).toBeGreaterThan(1);
    },
    60_000,
  );

  it('stores a Blob through fetch', async () => {
    const bytes = prose(20 * MiB);
    const { file } = await createClient({ endpoint }).upload('files', new File([bytes], 'a.txt')).done;
    expect(await stored(file.key)).toBe(sha256(bytes));
  });

  it.each([0, 1, 8 * MiB, 20 * MiB + 3])(
    'stores a stream of %i bytes, whose size was not declared',
    async (size) => {
      const bytes = prose(size);
      const pieces = function* () {
        for (let at = 0; at < size; at += 700_001) yield bytes.subarray(at, at + 700_001);
      };
      const upload = createNodeClient({ endpoint }).upload('files', Readable.from(pieces()), {
        fileName: 'stream.txt',
        contentType: 'text/plain',
      });
      expect(upload.getSnapshot()).toMatchObject({ size: null, total: null });
      const { file } = await upload.done;
      expect(upload.getSnapshot()).toMatchObject({ size, total: size, loaded: size });
      expect(file.size).toBe(size);
      expect(await stored(file.key)).toBe(sha256(bytes));
    },
    60_000,
  );

  it('rejects a stream that is larger than the route allows, and leaves nothing behind', async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield prose(1_000_000);
      } finally {
        ended = true;
      }
    }
    const options = { fileName: 'endless.txt', contentType: 'text/plain' };
    const upload = createNodeClient({ endpoint }).upload('tight', endless(), options);
    await expect(upload.done).rejects.toMatchObject({ code: 'file_too_large' });
    expect(ended).toBe(true);
    await expect.poll(async () => (await store.storage().listMultiparts({ prefix: '' })).uploads).toEqual([]);
  });
});
