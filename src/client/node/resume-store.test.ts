import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ResumeEntry } from '../types.ts';
import { fileResumeStore } from './resume-store.ts';

let dir: string;
let scripts: string;
const children: ChildProcess[] = [];
const day = 86_400_000;

function entry(fingerprint: string, savedAt = Date.now()): ResumeEntry {
  return {
    fingerprint,
    endpoint: 'http://127.0.0.1/uploads',
    route: 'files',
    fileName: 'scan.bin',
    size: 100,
    contentType: 'text/plain',
    uploadId: 'u1',
    grant: 'sealed',
    partSize: 50,
    partCount: 2,
    savedAt,
  };
}

/** Holds the lock of the upload `a` until its input ends. It prints "held", or "refused". */
const holder = `
import { fileResumeStore } from './client/node/resume-store.ts';
const held = await fileResumeStore(process.argv[2]).exclusively('a', async () => {
  console.log('held');
  await new Promise((resolve) => process.stdin.once('data', resolve).once('end', resolve));
  return 'done';
});
console.log(held ?? 'refused');
process.exit();
`;

beforeAll(async () => {
  scripts = await mkdtemp(join(tmpdir(), 'waybill-holder-'));
  await build({
    stdin: { contents: holder, resolveDir: fileURLToPath(new URL('../../', import.meta.url)), loader: 'ts' },
    outfile: join(scripts, 'holder.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
});
afterAll(() => rm(scripts, { recursive: true, force: true }));

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'waybill-resume-')), 'state');
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await rm(join(dir, '..'), { recursive: true, force: true });
});

async function hold(): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [join(scripts, 'holder.mjs'), dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [data] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, said: data.toString().trim() };
}

describe('fileResumeStore()', () => {
  it('writes entries that only their owner and other processes of the owner can read', async () => {
    const store = fileResumeStore(dir);
    expect(await store.list()).toEqual([]);
    expect(await store.get('a')).toBeUndefined();
    await store.set({ ...entry('a'), metadata: { relativePath: 'x/y' }, handle: () => 'no file' });
    await store.set(entry('b/../../c'));
    expect(await fileResumeStore(dir).get('a')).toEqual({
      ...entry('a', expect.any(Number)),
      metadata: { relativePath: 'x/y' },
    });
    expect((await fileResumeStore(dir).list()).map(({ fingerprint }) => fingerprint).sort()).toEqual([
      'a',
      'b/../../c',
    ]);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    const names = await readdir(dir);
    expect(names).toHaveLength(2);
    for (const name of names) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
    await store.delete('a');
    await store.delete('a');
    expect(await store.get('a')).toBeUndefined();
  });

  it('deletes entries and their files after a week', async () => {
    const store = fileResumeStore(dir);
    await store.set(entry('old', Date.now() - 7 * day - 1000));
    await store.set(entry('young', Date.now() - 6 * day));
    expect((await store.list()).map(({ fingerprint }) => fingerprint)).toEqual(['young']);
    expect(await readdir(dir)).toHaveLength(1);
    expect(await fileResumeStore(dir, { keepForSeconds: 3600 }).get('young')).toBeUndefined();
  });

  it('ignores damaged entries', async () => {
    const store = fileResumeStore(dir);
    await store.set(entry('a'));
    const [name] = await readdir(dir);
    const path = join(dir, name ?? '');
    const text = await readFile(path, 'utf8');
    for (const damaged of [text.slice(0, 20), '', 'null', '[]', '{"fingerprint":1}']) {
      await writeFile(path, damaged);
      expect(await store.get('a')).toBeUndefined();
      expect(await store.list()).toEqual([]);
    }
  });
});

describe('exclusively()', () => {
  it('runs the work of one caller, of this process or another, and gives its result', async () => {
    const store = fileResumeStore(dir);
    const seen = await store.exclusively('a', async () => [
      await store.exclusively('a', async () => 'me too'),
      await store.exclusively('b', async () => 'another'),
      (await hold()).said,
    ]);
    expect(seen).toEqual([undefined, 'another', 'refused']);
    expect((await hold()).said).toBe('held');
    expect(await store.exclusively('a', async () => 'mine')).toBeUndefined();
  });

  it('frees the lock after an error', async () => {
    const store = fileResumeStore(dir);
    await expect(store.exclusively('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await store.exclusively('a', async () => 'mine')).toBe('mine');
    expect(await readdir(dir)).toEqual([]);
  });

  it('frees the lock at once when its process is killed with -9', async () => {
    const { child, said } = await hold();
    expect(said).toBe('held');
    const store = fileResumeStore(dir);
    expect(await store.exclusively('a', async () => 'mine')).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(dir)).toHaveLength(1);
    expect(await store.exclusively('a', async () => 'mine')).toBe('mine');
    expect(await readdir(dir)).toEqual([]);
  });

  it('ignores the lock of an ended process whose pid was given to another process', async () => {
    const { child } = await hold();
    const [name] = await readdir(dir);
    const path = join(dir, name ?? '');
    const { began } = JSON.parse(await readFile(path, 'utf8')) as { began: string };
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The pid of this process, with another start.
    await writeFile(path, JSON.stringify({ pid: process.pid, began: `${began}0` }));
    expect(await fileResumeStore(dir).exclusively('a', async () => 'mine')).toBe('mine');
  });

  it('never runs the work of two callers, for any number at once', async () => {
    const stores = Array.from({ length: 12 }, () => fileResumeStore(dir));
    let inside = 0;
    let most = 0;
    const enter = async () => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
      return true;
    };
    for (let round = 0; round < 10; round++) await Promise.all(stores.map((store) => store.exclusively('a', enter)));
    expect(most).toBeLessThanOrEqual(1);
    expect(await stores[0]?.exclusively('a', enter)).toBe(true);
    expect(most).toBe(1);
  });
});
