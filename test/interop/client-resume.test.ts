/**
 * How an upload in parts continues after it was killed, paused or taken over, after its file was edited, and after its
 * grant expired, with the real server and the devstore.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createClient, fileSource, nodeTransport } from '../../src/client/node/index.ts';
import type { ClientOptions, Transport, TransportRequest } from '../../src/client/types.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { MiB, planParts } from '../../src/protocol/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { createMemoryResumeStore } from '../support/memory-resume-store.ts';

const credentials = { accessKeyId: 'resume', secretAccessKey: 'resume-resume-resume' };
const size = 48 * MiB;
const { partCount } = planParts({ size });
/** Plain text in which no two parts are equal. */
const prose = () => Buffer.concat(Array.from({ length: 48 }, () => Buffer.from(randomBytes(MiB / 2).toString('hex'))));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let devstore: Devstore;
let server: Server;
let endpoint: string;
let dir: string;
let path: string;
let bytes: Buffer;
let clock = 0;
let url: string;
const now = () => Date.now() + clock;
const storage = () => s3Storage({ bucket: 'bucket', endpoint: url, credentials, capabilities: 'devstore', now });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-resume-'));
  devstore = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['bucket'], now });
  ({ url } = await devstore.listen());
  const uploads = createUploads({
    storage: storage(),
    secret: 'client-suite-secret-of-more-than-32-characters',
    now,
    routes: {
      files: route({ limits: { maxBytes: 100 * MiB }, authorize: () => ({ ownerId: 'alice' }) }),
    },
  });
  server = createServer(toNodeHandler(uploads));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/uploads`;
  path = join(dir, 'scan.txt');
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await devstore.close();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  clock = 0;
  bytes = prose();
  await writeFile(path, bytes);
});

const eventually = <T>(look: () => T) => expect.poll(look);

interface Watched {
  transport: Transport;
  /** Part requests that succeeded. */
  stored: () => number;
  calls: (suffix: string) => number;
}

/** @param gate called before each part is sent; a promise that never resolves simulates a killed process */
function watch(gate: (request: TransportRequest, nth: number) => Promise<void> | undefined = () => undefined): Watched {
  const inner = nodeTransport();
  const urls: string[] = [];
  let started = 0;
  let stored = 0;
  return {
    transport: {
      async send(request) {
        urls.push(request.url.replace(/\?.*/, ''));
        if (request.method === 'PUT') await gate(request, ++started);
        const answer = await inner.send(request);
        if (request.method === 'PUT' && answer.status === 200) stored++;
        return answer;
      },
    },
    stored: () => stored,
    calls: (suffix) => urls.filter((url) => url.endsWith(suffix)).length,
  };
}

/** Never answers, and ends by an abort only, as a real transport does. */
const hang = ({ signal }: TransportRequest) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')));
  });
const client = (options: Partial<ClientOptions>) => createClient({ endpoint, retries: 2, ...options });

async function expectStored(key: string, expected: Uint8Array): Promise<void> {
  const found = await storage().get(key);
  expect(sha256(new Uint8Array(await new Response(found?.body).arrayBuffer()))).toBe(sha256(expected));
}

/** Sends half of the file and then stops, as a killed process does. */
async function sendHalf(resumeStore = createMemoryResumeStore()) {
  const watched = watch((request, nth) => (nth > 3 ? hang(request) : undefined));
  const upload = client({ transport: watched.transport, resumeStore }).upload('files', await fileSource(path));
  await eventually(watched.stored).toBe(3);
  // A killed process holds no lock.
  return { upload, entries: resumeStore.entries };
}

it('upload() sends only the missing parts after a crash', async () => {
  const { entries } = await sendHalf();
  expect([...entries.values()]).toMatchObject([{ fileName: 'scan.txt', size, route: 'files', endpoint }]);
  const watched = watch();
  const resumeStore = createMemoryResumeStore(entries);
  const upload = client({ transport: watched.transport, resumeStore }).upload('files', await fileSource(path));
  // Comparing the local file is reported as reading, not as waiting.
  const statuses: string[] = [];
  upload.subscribe(() => {
    const { status } = upload.getSnapshot();
    if (statuses.at(-1) !== status) statuses.push(status);
  });
  const { file } = await upload.done;
  expect(statuses).toEqual(['granting', 'queued', 'hashing', 'uploading', 'completing', 'done']);
  expect(watched.stored()).toBe(partCount - 3);
  expect(watched.calls('/parts/list')).toBe(1);
  await expectStored(file.key, bytes);
  await eventually(() => entries.size).toBe(0);
  expect(resumeStore.announced.at(-1)).toMatchObject({ fileName: 'scan.txt', size, loaded: size });
});

it('resumable() lists an unfinished upload, which continues with the same file under another name', async () => {
  const { entries } = await sendHalf();
  const watched = watch();
  const again = client({ transport: watched.transport, resumeStore: createMemoryResumeStore(entries) });
  const [found, ...others] = await again.resumable();
  expect(others).toEqual([]);
  expect(found).toMatchObject({ fileName: 'scan.txt', size, needsFile: true });
  expect(found).not.toHaveProperty('grant');
  const copy = join(dir, 'copy.txt');
  await writeFile(copy, bytes);
  const { file } = (await found?.resume(await fileSource(copy)).done) ?? {};
  expect(file).toMatchObject({ fileName: 'scan.txt', size });
  expect(watched.stored()).toBe(partCount - 3);
  await eventually(() => entries.size).toBe(0);
});

it('forget() removes an unfinished upload from the resume store and the server', async () => {
  const { entries } = await sendHalf();
  const watched = watch();
  const again = client({ transport: watched.transport, resumeStore: createMemoryResumeStore(entries) });
  const [found] = await again.resumable();
  await found?.forget();
  expect(entries.size).toBe(0);
  expect(watched.calls('/abort')).toBe(1);
  expect(await again.resumable()).toEqual([]);
});

it('an edited file is source_changed, and the arrived parts are kept for the original file', async () => {
  const { entries } = await sendHalf();
  const original = bytes;
  const { mtime } = await import('node:fs/promises').then(({ stat }) => stat(path));
  const edited = Buffer.from(bytes);
  edited.fill('x', 0, size);
  await writeFile(path, edited);
  await utimes(path, mtime, mtime);
  const store = () => createMemoryResumeStore(entries);
  const [found] = await client({ resumeStore: store() }).resumable();
  await expect(found?.resume(await fileSource(path)).done).rejects.toMatchObject({ code: 'source_changed' });
  expect(entries.size).toBe(1);
  await writeFile(path, original);
  const [still] = await client({ resumeStore: store() }).resumable();
  const { file } = (await still?.resume(await fileSource(path)).done) ?? {};
  await expectStored(file?.key ?? '', original);
});

it('upload() starts a new upload when it is told to', async () => {
  const { entries } = await sendHalf();
  const { fingerprint } = [...entries.values()][0] ?? {};
  const edited = prose();
  await writeFile(path, edited);
  const watched = watch();
  const source = { ...(await fileSource(path)), fingerprint: /files (.*) \[/.exec(fingerprint ?? '')?.[1] };
  const upload = client({ transport: watched.transport, resumeStore: createMemoryResumeStore(entries) }).upload(
    'files',
    source,
    { startOver: true },
  );
  const { file } = await upload.done;
  await expectStored(file.key, edited);
  expect(watched.calls('/abort')).toBe(1);
  await eventually(() => entries.size).toBe(0);
});

it('a second tab does not take over a running upload, and sends the same file only as a new upload', async () => {
  const entries = new Map();
  const locks = new Set<string>();
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const first = watch((_, nth) => (nth > 2 ? gate : undefined));
  const one = client({ transport: first.transport, resumeStore: createMemoryResumeStore(entries, locks) });
  const upload = one.upload('files', await fileSource(path));
  await eventually(first.stored).toBe(2);
  const two = client({ resumeStore: createMemoryResumeStore(entries, locks) });
  const [found] = await two.resumable();
  await expect(found?.resume(await fileSource(path)).done).rejects.toMatchObject({ code: 'upload_conflict' });
  expect(entries.size).toBe(1);
  const other = await two.upload('files', await fileSource(path)).done;
  expect(entries.size).toBe(1);
  go();
  const { file } = await upload.done;
  expect(other.file.uploadId).not.toBe(file.uploadId);
  await expectStored(file.key, bytes);
});

it('an upload that another tab has completed since it was listed is not sent again', async () => {
  const { entries } = await sendHalf();
  const watched = watch();
  const tab = client({ transport: watched.transport, resumeStore: createMemoryResumeStore(entries) });
  const [found] = await tab.resumable();
  const [elsewhere] = await client({ resumeStore: createMemoryResumeStore(entries) }).resumable();
  await elsewhere?.resume(await fileSource(path)).done;
  await eventually(() => entries.size).toBe(0);
  await expect(found?.resume(await fileSource(path)).done).rejects.toMatchObject({ code: 'upload_conflict' });
  expect(watched.stored()).toBe(0);
});

it('pause() keeps arrived parts, and resume() continues', async () => {
  const watched = watch((request, nth) => (nth === 3 ? hang(request) : undefined));
  const upload = client({ transport: watched.transport, resumeStore: null }).upload('files', await fileSource(path));
  await eventually(watched.stored).toBe(5);
  upload.pause();
  expect(upload.getSnapshot()).toMatchObject({ status: 'paused', waiting: null });
  upload.resume();
  const { file } = await upload.done;
  expect(watched.stored()).toBe(partCount);
  await expectStored(file.key, bytes);
});

it('the client pauses, resumes and aborts all uploads', async () => {
  const parts = async () => (await storage().listMultiparts({ prefix: '' })).uploads.length;
  const before = await parts();
  const watched = watch(hang);
  const all = client({ transport: watched.transport, resumeStore: null });
  const uploads = [all.upload('files', await fileSource(path)), all.upload('files', await fileSource(path))];
  await eventually(() => uploads.map((upload) => upload.getSnapshot().status)).toEqual(['uploading', 'queued']);
  all.pause();
  expect(uploads.map((upload) => upload.getSnapshot().status)).toEqual(['paused', 'paused']);
  all.resume();
  await eventually(() => uploads.map((upload) => upload.getSnapshot().status)).toContain('uploading');
  all.abort();
  for (const upload of uploads) await expect(upload.done).rejects.toMatchObject({ code: 'aborted' });
  await eventually(() => watched.calls('/abort')).toBeGreaterThan(0);
  await eventually(parts).toBe(before);
});

it('the client renews a grant that expired during the upload, and sends no part again', async () => {
  const watched = watch((_, nth) => {
    if (nth === 1) clock = 3_600_000;
    return undefined;
  });
  const slow = client({ transport: watched.transport, resumeStore: null, concurrency: 1 });
  const { file } = await slow.upload('files', await fileSource(path)).done;
  expect(watched.calls('/parts/list')).toBeGreaterThan(0);
  await expectStored(file.key, bytes);
});

it('a file that is edited during its upload is source_changed, and nothing is kept', async () => {
  const resumeStore = createMemoryResumeStore();
  const watched = watch(async (_, nth) => {
    if (nth === 3) await writeFile(path, prose());
  });
  const upload = client({ transport: watched.transport, resumeStore }).upload('files', await fileSource(path));
  await expect(upload.done).rejects.toMatchObject({ code: 'source_changed' });
  await eventually(() => resumeStore.entries.size).toBe(0);
  await eventually(() => watched.calls('/abort')).toBe(1);
});
