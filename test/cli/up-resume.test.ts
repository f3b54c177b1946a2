/**
 * `waybill up` with large files, folders and pipes, killed or stopped and run again. The store counts the bytes sent.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDevServer, type DevServer } from '../../src/cli/dev/server.ts';
import { createTransferCounter } from '../../src/cli/dev/transfer-stats.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { MiB } from '../../src/protocol/index.ts';
import { type Storage, s3Storage } from '../../src/s3/index.ts';
import { type BuiltCli, buildCli, type Running, spawnCli } from './built-cli.ts';

const size = 40 * MiB;
let cli: BuiltCli;
let dir: string;
let cwd: string;
let store: Devstore;
let storage: Storage;
let server: DevServer;
let url: string;
const running: Running[] = [];
/** The sizes of the parts that the store has accepted. */
let sent: number[] = [];

beforeAll(async () => {
  cli = await buildCli();
  dir = await mkdtemp(join(tmpdir(), 'waybill-up-'));
  const credentials = { accessKeyId: 'resume', secretAccessKey: randomBytes(20).toString('hex') };
  store = await createDevstore({
    dir: join(dir, 'store'),
    credentials: [credentials],
    buckets: ['uploads'],
    onRequest: ({ method, status, bytesIn }) => {
      if (method === 'PUT' && status === 200 && bytesIn >= MiB) sent.push(bytesIn);
    },
  });
  const { url: endpoint } = await store.listen();
  storage = s3Storage({ bucket: 'uploads', endpoint, credentials, capabilities: 'devstore' });
  server = await createDevServer({
    storage,
    secret: randomBytes(36).toString('base64url'),
    pageDir: cli.pageDir,
    transferCounter: createTransferCounter({ storeCounts: false }),
  });
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${port}`;
});

beforeEach(async () => {
  cwd = await mkdtemp(join(dir, 'cwd-'));
  sent = [];
});
afterEach(async () => {
  store.setFaults(undefined);
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});
afterAll(async () => {
  await server?.close();
  await store?.close();
  await cli?.remove();
  if (dir) await rm(dir, { recursive: true, force: true });
});

function up(...args: string[]): Running {
  const one = spawnCli(cli.main, ['up', ...args, '--to', url, '-r', 'files'], { cwd, stdin: 'pipe' });
  running.push(one);
  return one;
}

async function finish(...args: string[]) {
  const one = up(...args);
  one.child.stdin?.end();
  return { code: await one.ended, stdout: one.stdout(), stderr: one.stderr() };
}

async function makeFile(name = 'scan.bin'): Promise<Buffer> {
  const bytes = randomBytes(size);
  await writeFile(join(cwd, name), bytes);
  return bytes;
}

/** Lets so many parts pass and delays the others. */
function passParts(parts: number): void {
  let seen = 0;
  store.setFaults({
    when: ({ method, query }) => method === 'PUT' && query.includes('partNumber') && ++seen > parts,
    delayMs: 600_000,
  });
}

/** Waits until the store has so many parts. */
async function waitForParts(one: Running, parts = 2): Promise<void> {
  await expect.poll(() => sent.length).toBe(parts);
  expect(one.child.exitCode).toBeNull();
}

async function expectStored(link: string, bytes: Uint8Array): Promise<void> {
  const answer = await fetch(link);
  expect(answer.status).toBe(200);
  expect(digest(new Uint8Array(await answer.arrayBuffer()))).toBe(digest(bytes));
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const total = () => sent.reduce((sum, bytes) => sum + bytes, 0);
const unfinished = async () => (await storage.listMultiparts({ prefix: '' })).uploads.length;

describe('waybill up with a large file', () => {
  it('resumes after kill -9, with the same command', async () => {
    const bytes = await makeFile();
    passParts(2);
    const first = up('scan.bin');
    await waitForParts(first);
    first.child.kill('SIGKILL');
    await first.ended;
    const state = join(cwd, '.local/state/waybill/uploads');
    const [name] = (await readdir(state)).filter((one) => one.endsWith('.json'));
    expect((await stat(join(state, name ?? ''))).mode & 0o777).toBe(0o600);

    store.setFaults(undefined);
    const again = await finish('scan.bin');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain('resumed  scan.bin');
    expect(total()).toBe(size);
    await expectStored(again.stdout.trim(), bytes);
    expect(await readdir(state)).toEqual([]);
    expect(await unfinished()).toBe(0);
  });

  it('is paused by Ctrl-C, says how to resume, and reports progress with --json', async () => {
    const bytes = await makeFile();
    passParts(1);
    const first = up('scan.bin', '--state', 'kept');
    await waitForParts(first, 1);
    expect(await first.stop()).toBe(130);
    expect(first.stderr()).toMatch(/paused {3}scan\.bin {2}[\d.]+ MB of 42 MB have arrived/);
    expect(first.stderr()).toContain('Run the same command again to resume it, or with --start-over');

    passParts(1);
    const told = up('scan.bin', '--state', 'kept', '--json');
    // One more part passes.
    await waitForParts(told, 2);
    expect(await told.stop()).toBe(130);
    expect(JSON.parse(told.stdout())).toMatchObject({ path: 'scan.bin', status: 'paused', size });

    store.setFaults(undefined);
    const again = await finish('scan.bin', '--state', 'kept', '-q');
    expect(again).toMatchObject({ code: 0, stderr: '' });
    await expectStored(again.stdout.trim(), bytes);
  });

  it('refuses a file that has changed, and sends it with --start-over', async () => {
    await makeFile();
    passParts(2);
    const first = up('scan.bin');
    await waitForParts(first);
    first.child.kill('SIGKILL');
    await first.ended;
    store.setFaults(undefined);

    const edited = await makeFile();
    const refused = await finish('scan.bin', '--json');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ status: 'failed', error: { code: 'source_changed' } });
    const told = await finish('scan.bin');
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('--start-over');

    sent = [];
    const restarted = await finish('scan.bin', '--start-over');
    expect(restarted).toMatchObject({ code: 0 });
    expect(total()).toBe(size);
    await expectStored(restarted.stdout.trim(), edited);
    expect(await unfinished()).toBe(0);
  });

  it('resumes a file whose time has changed but not its bytes', async () => {
    const bytes = await makeFile();
    passParts(2);
    const first = up('scan.bin');
    await waitForParts(first);
    first.child.kill('SIGKILL');
    await first.ended;
    store.setFaults(undefined);
    await utimes(join(cwd, 'scan.bin'), new Date(), new Date(Date.now() + 60_000));
    const again = await finish('scan.bin');
    expect(again).toMatchObject({ code: 0 });
    expect(total()).toBe(size);
    await expectStored(again.stdout.trim(), bytes);
  });

  it('refuses a file that another process is sending', async () => {
    await makeFile();
    passParts(1);
    const first = up('scan.bin');
    await waitForParts(first, 1);
    const second = await finish('scan.bin', '--json');
    expect(second.code).toBe(1);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'upload_conflict' } });
    store.setFaults(undefined);
  });
});

describe('waybill up with a folder', () => {
  it('sends all files with their paths, except those of file managers', async () => {
    await mkdir(join(cwd, 'holiday/day 1'), { recursive: true });
    await writeFile(join(cwd, 'holiday/list.txt'), 'sun');
    await writeFile(join(cwd, 'holiday/.DS_Store'), 'x');
    await writeFile(join(cwd, 'holiday/day 1/a.txt'), 'rain');
    const done = await finish('holiday', '--json');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const objects = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; data: { relativePath?: string } });
    expect(objects.map(({ path, data }) => [path, data.relativePath]).sort()).toEqual([
      ['holiday/day 1/a.txt', 'holiday/day 1/a.txt'],
      ['holiday/list.txt', 'holiday/list.txt'],
    ]);
  });

  it('refuses a folder without files', async () => {
    await mkdir(join(cwd, 'empty/deeper'), { recursive: true });
    const refused = await finish('empty');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('empty: it contains no files');
  });
});

describe('waybill up with standard input', () => {
  it('sends it as it arrives, with the given name', async () => {
    const bytes = Buffer.from(randomBytes(12 * MiB).toString('hex'));
    const one = up('-', '--name', 'dump.txt', '--json');
    one.child.stdin?.end(bytes);
    expect(await one.ended).toBe(0);
    const told = JSON.parse(one.stdout()) as { url: string };
    expect(told).toMatchObject({ path: '-', fileName: 'dump.txt', contentType: 'text/plain', size: bytes.length });
    await expectStored(told.url, bytes);
  });

  it('aborts on Ctrl-C, because the input cannot be read again', async () => {
    const before = await unfinished();
    passParts(1);
    const one = up('-', '--type', 'application/octet-stream');
    one.child.stdin?.on('error', () => {});
    one.child.stdin?.write(randomBytes(24 * MiB));
    await expect.poll(unfinished).toBe(before + 1);
    expect(await one.stop()).toBe(130);
    expect(one.stderr()).toContain('stopped');
    await expect.poll(unfinished).toBe(before);
  });
});

it('waybill up keeps its state in --state, readable by its owner only', async () => {
  await writeFile(join(cwd, 'blocked'), '');
  await writeFile(join(cwd, 'a.txt'), 'a');
  const refused = await finish('a.txt', '--state', 'blocked/below');
  expect(refused).toMatchObject({ code: 3, stdout: '' });
  expect(refused.stderr).toContain('blocked/below cannot be used');
  expect(await finish('a.txt', '--state', 'fresh')).toMatchObject({ code: 0 });
  expect((await stat(join(cwd, 'fresh'))).mode & 0o777).toBe(0o700);
});

it('waybill up leaves the type to the server, and warns when the content does not match --type', async () => {
  await writeFile(join(cwd, 'notes.YAML'), 'a: 1\n');
  const told = await finish('notes.YAML', '--json');
  expect(JSON.parse(told.stdout)).toMatchObject({ status: 'done', contentType: 'application/yaml' });
  await writeFile(join(cwd, 'photo.jpg'), '<!doctype html>');
  const refused = await finish('photo.jpg', '--type', 'image/jpeg');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/warning {2}photo\.jpg {2}This file says that it is image\/jpeg/);
  expect(refused.stderr).toContain('content_type_mismatch');
});
