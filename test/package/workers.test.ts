/**
 * A Worker with the packed tarball, in workerd (by miniflare): the client of Node sends real files through it, and
 * upkeep runs. `node:crypto`, `node:http` and all other modules of Node are those that `nodejs_compat` provides.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/node/index.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { migratePostgres } from '../../src/ledger/postgres.ts';
import type { SingleGrant } from '../../src/protocol/index.ts';
import { installPacked } from '../support/packed.ts';
import { hasPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { checksumOf, sendPresigned } from '../support/send.ts';
import { bundleWorker } from './runtimes/bundle-worker.ts';

/** The part of miniflare that is used here. */
interface Miniflare {
  readonly ready: Promise<URL>;
  getWorker(): Promise<{ scheduled(options: object): Promise<{ outcome: string }> }>;
  dispose(): Promise<void>;
}
type MiniflareModule = { Miniflare: new (options: object) => Miniflare };

/** The first date with `node:http`: https://developers.cloudflare.com/workers/runtime-apis/nodejs/http/ */
const oldestDate = '2025-08-15';
const newestDate = '2026-07-01';
const credentials = { accessKeyId: 'worker', secretAccessKey: randomBytes(20).toString('hex') };
const cronSecret = randomBytes(20).toString('hex');
const user = { 'x-user': 'anna' };

let dir = '';
let store: Devstore;
let storeUrl = '';
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  dir = await installPacked('workers', { miniflare: '4.20260730.0', pg: null });
  await cp(fileURLToPath(new URL('runtimes', import.meta.url)), join(dir, 'app'), { recursive: true });
  store = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['uploads'] });
  storeUrl = new URL((await store.listen({ port: 0 })).url).origin;
});

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

afterAll(async () => {
  await store?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

const bundles = new Map<string, ReturnType<typeof bundleWorker>>();
function bundleOf(entry: string): ReturnType<typeof bundleWorker> {
  const bundle = bundles.get(entry) ?? bundleWorker(join(dir, 'app'), entry);
  bundles.set(entry, bundle);
  return bundle;
}

/** Starts a Worker in a new process of workerd, without any request. */
async function startWorker(entry: string, variables: Record<string, string> = {}, date = newestDate) {
  const { Miniflare } = createRequire(join(dir, 'package.json'))('miniflare') as MiniflareModule;
  const worker = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.mjs', contents: (await bundleOf(entry)).code }],
    compatibilityDate: date,
    compatibilityFlags: ['nodejs_compat'],
    // Miniflare would otherwise ask a server of Cloudflare for an example of `request.cf`.
    cf: false,
    bindings: {
      S3_ENDPOINT: storeUrl,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      WAYBILL_SECRET: randomBytes(32).toString('base64'),
      CRON_SECRET: cronSecret,
      ...variables,
    },
  });
  stops.push(() => worker.dispose());
  const { origin } = await worker.ready;
  const client = createClient({ endpoint: `${origin}/uploads`, headers: () => user });
  const upload = (bytes: Uint8Array<ArrayBuffer>, fileName = 'a.bin') =>
    client.upload('files', new File([bytes], fileName)).done;
  return { worker, origin, upload };
}

/** An app that the callback tells of its start and its end. It answers `started` when the test releases it. */
async function startApp() {
  const ended = new Map<string, () => void>();
  const started = new Map<string, (response: ServerResponse) => void>();
  const server = createServer((request, response) => {
    const [, event = '', fileName = ''] = (request.url ?? '').split('/');
    if (event === 'ended') ended.get(fileName)?.();
    const hold = event === 'started' ? started.get(fileName) : undefined;
    if (hold) hold(response);
    else response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    whenEnded: (fileName: string) => new Promise<void>((resolve) => ended.set(fileName, resolve)),
    whenStarted: (fileName: string) => new Promise<ServerResponse>((resolve) => started.set(fileName, resolve)),
  };
}

async function view(origin: string, url: string): Promise<Buffer> {
  const response = await fetch(new URL(url, origin), { headers: user });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

it.each([
  ['the oldest date', oldestDate, 'node:http'],
  ['the newest date', newestDate, 'node:http'],
  ['the newest date, which calls the storage with its own fetch', newestDate, 'fetch'],
])('a Worker with %s stores files and shows them', async (_, date, storageBy) => {
  const { origin, upload } = await startWorker('worker.js', { STORAGE_BY: storageBy }, date);
  // Sent in one request, and in parts.
  for (const size of [5000, 17_000_000]) {
    const bytes = randomBytes(size);
    const { file, data } = await upload(bytes);
    expect(data).toEqual({ size });
    expect((await view(origin, file.url)).equals(bytes)).toBe(true);
    const deleted = await fetch(new URL(file.url, origin), { method: 'DELETE', headers: user });
    expect(deleted.status).toBe(204);
    expect((await fetch(new URL(file.url, origin), { headers: user })).status).toBe(404);
  }
});

it('a Worker whose first requests arrive together answers them all', async () => {
  const { origin, upload } = await startWorker('worker.js');
  const all = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const bytes = randomBytes(3000);
      const { file } = await upload(bytes);
      return (await view(origin, file.url)).equals(bytes);
    }),
  );
  expect(new Set(all)).toEqual(new Set([true]));
});

it('a Worker continues a completion after its response, in waitUntil()', async () => {
  const app = await startApp();
  const { origin } = await startWorker('worker.js', { APP_URL: app.url, WAIT_SECONDS: '1' });
  const started = app.whenStarted('long.bin');
  const ended = app.whenEnded('long.bin');
  const { grant } = await grantAndSend(origin, 'long.bin');
  const completing = post(origin, '/uploads/complete', { grants: [grant] });
  const held = await started;
  expect(await completing).toMatchObject({ status: 202, body: { results: [{ completing: true }] } });
  // From here on no client asks for the result: only `waitUntil()` keeps the Worker running.
  held.end();
  await ended;
});

it('scheduled() of a Worker completes an upload that its client has abandoned', async () => {
  const app = await startApp();
  const { worker, origin } = await startWorker('worker.js', { APP_URL: app.url });
  const ended = app.whenEnded('abandoned.bin');
  await grantAndSend(origin, 'abandoned.bin');
  expect(await (await worker.getWorker()).scheduled({ cron: '*/5 * * * *' })).toMatchObject({ outcome: 'ok' });
  await ended;
});

it('a Worker answers POST /upkeep with a report, and refuses it without the secret', async () => {
  const { origin } = await startWorker('worker.js');
  await grantAndSend(origin, 'young.bin');
  expect((await post(origin, '/upkeep', {})).status).toBe(401);
  const { status, body } = await post(origin, '/upkeep', {}, { authorization: `Bearer ${cronSecret}` });
  expect([status, body]).toEqual([200, { sweep: expect.objectContaining({ failed: 0 }), webhooks: null }]);
  expect((body.sweep as { looked: number }).looked).toBeGreaterThan(0);
});

describe.skipIf(!hasPostgres() && !process.env.CI)('with a ledger in Postgres', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
    await migratePostgres({ connectionString: postgres.url });
  });
  afterAll(() => postgres?.stop());

  it('a Worker that opens the ledger in each request stores files, also several at once', async () => {
    const { origin, upload } = await startWorker('worker-postgres.js', { DATABASE_URL: postgres.url });
    for (const size of [5000, 17_000_000]) expect((await upload(randomBytes(size))).data).toEqual({ size });
    const files = await Promise.all(Array.from({ length: 4 }, () => upload(randomBytes(3000))));
    expect(files.map(({ data }) => data)).toEqual(Array(4).fill({ size: 3000 }));
    const { body } = await post(origin, '/upkeep', {}, { authorization: `Bearer ${cronSecret}` });
    expect(body).toMatchObject({ sweep: { failed: 0 } });
  });
});

describe('the cold start of a Worker', () => {
  /**
   * Bytes of the minified bundle. A Worker compiles all of it before its first request, and Cloudflare's limit is 3 MB
   * after compression: https://developers.cloudflare.com/workers/platform/limits/#worker-size
   */
  const ceilings = { bytes: 460_000, gzipBytes: 155_000 };

  it('compiles a bundle of limited size, without the packages that other entries need', async () => {
    const { code, inputs, warnings } = await bundleOf('worker.js');
    const bytes = Buffer.byteLength(code);
    const gzipBytes = gzipSync(code, { level: 9 }).length;
    console.log(`a Worker: ${bytes} bytes, ${gzipBytes} compressed, from ${Object.keys(inputs).length} files`);
    expect(warnings).toEqual([]);
    expect([bytes > 100_000, bytes < ceilings.bytes, gzipBytes < ceilings.gzipBytes]).toEqual([true, true, true]);
    const packageOf = (file: string) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
    const packages = new Set(Object.keys(inputs).map(packageOf));
    expect(packages).toContain('waybill');
    for (const name of ['kysely', 'libsql', 'pg', 'hono', '@hono/node-server', 'pino', 'prom-client'])
      expect(packages).not.toContain(name);
  });

  it('needs these modules of Node, and answers its first request', async () => {
    const { code } = await bundleOf('worker.js');
    const modules = new Set([...code.matchAll(/from\s*["'](node:[^"']+)["']/g)].map(([, name]) => name));
    expect([...modules].sort()).toEqual(
      ['buffer', 'crypto', 'http', 'https', 'net', 'stream', 'timers/promises', 'url'].map((name) => `node:${name}`),
    );
    const startedAt = performance.now();
    const { origin } = await startWorker('worker.js');
    const readyAt = performance.now();
    await grantAndSend(origin, 'first.bin');
    const [start, first] = [readyAt - startedAt, performance.now() - readyAt].map(Math.round);
    // Times are printed only: they depend on the machine.
    console.log(`a Worker: workerd started in ${start} ms, first grant and file after ${first} ms more`);
  });
});

async function post(origin: string, path: string, content: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...user, ...headers },
    body: JSON.stringify(content),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Requests an upload of a text of five bytes and sends it. Completing it is left to the test. */
async function grantAndSend(origin: string, fileName: string): Promise<SingleGrant> {
  // Random bytes would sometimes be rejected, because they are no text.
  const bytes = Buffer.from('hello');
  const file = { fileName, size: 5, contentType: 'text/plain', checksum: checksumOf('sha256', bytes) };
  const { body } = await post(origin, '/uploads', { route: 'files', files: [file] });
  const [upload] = body.uploads as [SingleGrant];
  expect((await sendPresigned(upload.request, bytes)).status).toBe(200);
  return upload;
}
