/** The client on Node, with the real server and every storage: Blobs by fetch, files by node:http. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createClient } from '../../src/client/index.ts';
import { createClient as createNodeClient, fileSource, nodeTransport } from '../../src/client/node/index.ts';
import { createPut } from '../../src/client/put.ts';
import type { Transport } from '../../src/client/types.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { MiB } from '../../src/protocol/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { forEachStore } from '../support/stores.ts';

type Uploads = ReturnType<typeof uploadsOn>;

function uploadsOn(storage: ReturnType<typeof s3Storage>, expiresInSeconds = 900) {
  return createUploads({
    storage,
    secret: 'client-suite-secret-of-more-than-32-characters',
    expiresInSeconds,
    routes: {
      files: route({
        limits: { maxBytes: 64 * MiB, contentTypes: ['*/*'], minBytes: 0 },
        authorize: () => ({ ownerId: 'alice' }),
        onComplete: ({ file }) => ({ stored: file.size }),
      }),
    },
  });
}

async function serve(uploads: Uploads): Promise<{ endpoint: string; server: Server }> {
  const server = createServer(toNodeHandler(uploads));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/uploads`, server };
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

const text = (bytes: string | Uint8Array<ArrayBuffer>, name = 'a.txt') =>
  new File([bytes], name, { type: 'text/plain' });

/** Plain text of any length, so that its content matches its type. */
const prose = (size: number) =>
  Buffer.from(
    randomBytes(Math.ceil(size / 2))
      .toString('hex')
      .slice(0, size),
  );

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-client-'));
});

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

forEachStore('the client in Node', (store) => {
  let endpoint: string;
  let server: Server;

  beforeAll(async () => {
    ({ endpoint, server } = await serve(uploadsOn(store.storage())));
  });

  afterAll(() => stop(server));

  async function stored(key: string): Promise<string> {
    const found = await store.storage().get(key);
    const hash = createHash('sha256');
    for await (const piece of found?.body ?? []) hash.update(piece);
    return hash.digest('hex');
  }

  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

  it.each([0, 1, 100_000, 300_000, 3_000_000])('stores a File of %i bytes by fetch', async (size) => {
    const client = createClient<Uploads>({ endpoint });
    const bytes = prose(size);
    const upload = client.upload('files', text(bytes));
    const { file, data } = await upload.done;
    expect(file).toMatchObject({ size, contentType: 'text/plain', fileName: 'a.txt' });
    expect(data).toEqual({ stored: size });
    expect(await stored(file.key)).toBe(sha256(bytes));
  });

  it.each([0, 1, 100_000, 300_000, 3_000_000])('streams a file of %i bytes from disk, with progress', async (size) => {
    const path = join(dir, `streamed-${size}.txt`);
    const bytes = prose(size);
    await writeFile(path, bytes);
    const seen: number[] = [];
    const watched: Transport = {
      send: (request) =>
        nodeTransport().send({
          ...request,
          onProgress:
            request.onProgress &&
            ((loaded) => {
              seen.push(loaded);
              request.onProgress?.(loaded);
            }),
        }),
    };
    const client = createNodeClient<Uploads>({ endpoint, transport: watched });
    const upload = client.upload('files', await fileSource(path));
    const { file } = await upload.done;
    expect(await stored(file.key)).toBe(sha256(bytes));
    if (size > 1_048_576) {
      expect(upload.getSnapshot().transfer).toBe('put');
      expect(seen.length).toBeGreaterThan(5);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen.at(-1)).toBe(size);
    }
  });

  it('sends many files of different sizes at once', async () => {
    const client = createClient<Uploads>({ endpoint });
    const contents = Array.from({ length: 40 }, (_, index) => prose(1 + index * 997));
    const uploads = client.uploadAll(
      'files',
      contents.map((bytes, index) => text(bytes, `${index}.txt`)),
    );
    const results = await Promise.all(uploads.map(({ done }) => done));
    expect(new Set(results.map(({ file }) => file.key)).size).toBe(40);
    for (const [index, { file }] of results.entries()) {
      expect(file.fileName).toBe(`${index}.txt`);
      expect(await stored(file.key)).toBe(sha256(contents[index] as Buffer));
    }
  });

  it('stores a file through the put-only entry point', async () => {
    const put = createPut<Uploads>({ endpoint });
    const bytes = prose(5000);
    const { file, data } = await put('files', text(bytes, 'small.txt'));
    expect(data).toEqual({ stored: 5000 });
    expect(await stored(file.key)).toBe(sha256(bytes));
    expect(new URL(file.url).origin).toBe(new URL(endpoint).origin);
  });

  it('fails with source_changed when the file on disk is not the declared one', async () => {
    const path = join(dir, `changing-${store.name}.txt`);
    await writeFile(path, prose(2_000_000));
    const plain = nodeTransport();
    const client = createNodeClient<Uploads>({
      endpoint,
      retries: 1,
      transport: {
        async send(request) {
          if (request.source) {
            await writeFile(path, prose(2_000_000));
            await utimes(path, 1, 1);
          }
          return plain.send(request);
        },
      },
    });
    const upload = client.upload('files', await fileSource(path));
    await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
    expect(upload.getSnapshot().status).toBe('failed');
  });

  it('refuses a path that is not a file', async () => {
    await expect(fileSource(dir)).rejects.toMatchObject({ code: 'source_unreadable' });
    await expect(fileSource(join(dir, 'missing'))).rejects.toMatchObject({ code: 'source_unreadable' });
  });

  it('abort() ends a running upload, and its grant cannot be completed afterwards', async () => {
    const client = createNodeClient<Uploads>({ endpoint });
    const path = join(dir, 'aborted.txt');
    await writeFile(path, prose(8_000_000));
    const upload = client.upload('files', await fileSource(path));
    await new Promise<void>((resolve) => {
      upload.subscribe(() => {
        if (upload.getSnapshot().status === 'uploading') resolve();
      });
    });
    upload.abort();
    await expect(upload.done).rejects.toMatchObject({ code: 'aborted' });
    upload.retry();
    expect((await upload.done).file.size).toBe(8_000_000);
  });
});

describe('with injected faults', () => {
  let devstore: Devstore;
  let storage: ReturnType<typeof s3Storage>;
  let endpoint: string;
  let server: Server;
  let bytesIn = 0;

  beforeAll(async () => {
    const credentials = { accessKeyId: 'faults', secretAccessKey: 'faults-faults-faults' };
    devstore = await createDevstore({
      dir: join(dir, 'faults'),
      credentials: [credentials],
      buckets: ['bucket'],
      onRequest: (report) => {
        bytesIn += report.bytesIn;
      },
    });
    const { url } = await devstore.listen();
    storage = s3Storage({ bucket: 'bucket', endpoint: url, credentials, capabilities: 'devstore' });
    ({ endpoint, server } = await serve(uploadsOn(storage)));
  });

  beforeEach(() => {
    devstore.setFaults(undefined);
    bytesIn = 0;
  });

  afterAll(async () => {
    await stop(server);
    await devstore.close();
  });

  /** Applies to the first `times` requests of the kind. */
  const first = (times: number, wanted: string) => {
    let left = times;
    return ({ method }: { method: string }) => method === wanted && left-- > 0;
  };
  const clients = {
    fetch: () => createClient<Uploads>({ endpoint, random: () => 0 }),
    'node:http': () => createNodeClient<Uploads>({ endpoint, random: () => 0 }),
  };

  describe.each(Object.entries(clients))('over %s', (_, open) => {
    it.each([
      ['PUT', 2_000_000],
      ['POST', 200_000],
    ])('a lost answer to a %s of %i bytes costs one more call, and no byte is sent again', async (method, size) => {
      devstore.setFaults({ when: first(1, method), dropResponseAfterBytes: 0 });
      const upload = open().upload('files', text(prose(size)));
      await upload.done;
      expect(bytesIn).toBeGreaterThanOrEqual(size);
      expect(bytesIn).toBeLessThan(size * 1.5 + 5000);
    });

    it('the client tries again after a broken connection', async () => {
      devstore.setFaults({ when: first(2, 'PUT'), dropRequestAfterBytes: 100_000 });
      const upload = open().upload('files', text(prose(2_000_000)));
      expect((await upload.done).file.size).toBe(2_000_000);
    });

    it('the client waits after SlowDown', async () => {
      devstore.setFaults({ when: first(2, 'PUT'), slowDown: {} });
      const upload = open().upload('files', text(prose(2_000_000)));
      expect((await upload.done).file.size).toBe(2_000_000);
    });

    it('the client requests an expired upload again', async () => {
      devstore.setFaults({ when: first(1, 'PUT'), expire: true });
      const upload = open().upload('files', text(prose(2_000_000)));
      const seen: unknown[] = [];
      upload.subscribe(() => seen.push(upload.getSnapshot().error));
      expect((await upload.done).file.size).toBe(2_000_000);
      expect(seen.every((error) => error === null)).toBe(true);
    });
  });

  it('the put-only entry point survives the same faults', async () => {
    devstore.setFaults([
      { when: first(1, 'PUT'), dropResponseAfterBytes: 0 },
      { when: first(1, 'HEAD'), delayMs: 5 },
    ]);
    const put = createPut<Uploads>({ endpoint });
    expect((await put('files', text(prose(5000)))).file.size).toBe(5000);
  });
});
