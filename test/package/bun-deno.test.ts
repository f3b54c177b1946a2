/**
 * Bun and Deno with the packed tarball: the client of Node sends real files to the Fetch adapter on `Bun.serve` and
 * `Deno.serve`, and to the adapter of node:http on both. The last one has a ledger in SQLite.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createClient } from '../../src/client/node/index.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { endChildren } from '../support/children.ts';
import { installPacked } from '../support/packed.ts';

const versions = { bun: '1.4.4', deno: '2.9.6' };
/** Deno asks for each permission. docs/frameworks.md lists these. */
const permissions = ['--allow-net', '--allow-env'];
const ledgerPermissions = ['--allow-read', '--allow-write', '--allow-ffi', '--allow-sys'];
type Runtime = keyof typeof versions;

const credentials = { accessKeyId: 'runtime', secretAccessKey: randomBytes(20).toString('hex') };
const cronSecret = randomBytes(20).toString('hex');
const user = { 'x-user': 'anna' };
let dir = '';
let store: Devstore;
let storeUrl = '';
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = await installPacked('runtimes', versions);
  await cp(fileURLToPath(new URL('runtimes', import.meta.url)), join(dir, 'app'), { recursive: true });
  store = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['uploads'] });
  storeUrl = new URL((await store.listen({ port: 0 })).url).origin;
});

afterEach(() => endChildren(children, 'SIGKILL'));

afterAll(async () => {
  await store?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** The program itself, from the package of this platform, because the scripts that link it do not run here. */
function programOf(runtime: Runtime): string {
  const { platform, arch } = process;
  const [bunArch, denoArch] = arch === 'arm64' ? ['aarch64', 'arm64'] : [arch, arch];
  const files = {
    bun: [`@oven/bun-${platform}-${bunArch}/bin/bun`],
    deno: [`@deno/${platform}-${denoArch}-glibc/deno`, `@deno/${platform}-${denoArch}/deno`],
  };
  const found = files[runtime].map((file) => join(dir, 'node_modules', file)).find(existsSync);
  if (!found) throw new Error(`The npm package ${runtime} has no program for ${platform} on ${arch}.`);
  return found;
}

/** Resolves to the address that the server prints. @param ledger the file, or the empty string for no ledger */
function start(runtime: Runtime, api: string, ledger: string): Promise<string> {
  const allowed = ['--no-prompt', ...permissions, ...(ledger ? ledgerPermissions : [])];
  const file = ledger ? [join(dir, `${runtime}-${ledger}`)] : [];
  const args = ['run', ...(runtime === 'deno' ? allowed : []), 'server.js', api, ...file];
  const child = spawn(programOf(runtime), args, {
    cwd: join(dir, 'app'),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dir,
      S3_ENDPOINT: storeUrl,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      WAYBILL_SECRET: randomBytes(32).toString('base64'),
      CRON_SECRET: cronSecret,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data.toString();
      const url = /Open (http:\/\/\S+)/.exec(output)?.[1];
      if (url) resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', (code) => reject(new Error(`${runtime} ended with ${code}:\n${output}`)));
  });
}

const rows = (['bun', 'deno'] as const).flatMap((runtime) => [
  { runtime, api: 'fetch', ledger: '' },
  { runtime, api: 'node:http', ledger: 'uploads.db' },
]);

it.each(rows)('$runtime, $api $ledger: stores files, shows and deletes them', async ({ runtime, api, ledger }) => {
  const url = await start(runtime, api, ledger);
  const client = createClient({ endpoint: `${url}/uploads`, headers: () => user });
  // Sent in one request, and in parts.
  for (const size of [5000, 17_000_000]) {
    const bytes = randomBytes(size);
    const { file, data } = await client.upload('files', new File([bytes], 'a.bin')).done;
    expect(data).toEqual({ size });
    const shown = await fetch(new URL(file.url, url), { headers: user });
    expect(Buffer.from(await shown.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await fetch(new URL(file.url, url), { method: 'DELETE', headers: user })).status).toBe(204);
    expect((await fetch(new URL(file.url, url), { headers: user })).status).toBe(404);
  }
  const post = (path: string, body: string, headers: Record<string, string>) =>
    fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const tooLong = await post('/uploads', JSON.stringify('x'.repeat(1_000_000)), user);
  expect([tooLong.status, await tooLong.json()]).toMatchObject([413, { error: { code: 'request_too_large' } }]);
  const upkeep = await post('/upkeep', '{}', { authorization: `Bearer ${cronSecret}` });
  expect([upkeep.status, await upkeep.json()]).toMatchObject([200, { sweep: { failed: 0 } }]);
});
