/**
 * Bundles the packed tarball without secrets and without optional peers, starts each bundle and uploads a file through
 * it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { endChildren } from '../support/children.ts';
import { isFullSize } from '../support/test-size.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

const credentials = { accessKeyId: 'bundled', secretAccessKey: randomBytes(20).toString('hex') };
const secret = randomBytes(32).toString('base64');
/** The environment of a build container: no credentials and no secrets. */
const buildEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(AWS|WAYBILL)_|^NODE_ENV$/.test(name)),
);

let dir = '';
let store: Devstore;
let storeUrl = '';
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-bundlers-'));
  const app = join(dir, 'app');
  await cp(join(root, 'test/package/bundlers'), app, {
    recursive: true,
    filter: (file) => !/node_modules|\.next/.test(file),
  });
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  // Next is most of the installation, and the only development dependency.
  const packages = isFullSize ? quiet : [...quiet, '--omit=dev'];
  await run('npm', ['ci', ...packages], { cwd: app });
  await run('npm', ['install', '--no-save', ...packages, inject('tarball')], { cwd: app });
  // The optional peers are not installed, on purpose.
  const installed = await readdir(join(app, 'node_modules'));
  expect(installed).toContain('waybill');
  expect(installed).not.toContain('pg');
  expect(installed).not.toContain('@aws-sdk');
  store = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['uploads'] });
  storeUrl = new URL((await store.listen({ port: 0 })).url).origin;
});

afterEach(() => endChildren(children, 'SIGTERM'));

afterAll(async () => {
  await store?.close();
  if (dir) await rm(dir, { recursive: true, force: true, maxRetries: 3 });
});

async function build(entry: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [join('node_modules', entry), ...args], {
    cwd: join(dir, 'app'),
    env: { ...buildEnv, NEXT_TELEMETRY_DISABLED: '1', ...env },
    maxBuffer: 16 * 1024 ** 2,
  }).catch((failure: { stdout: string; stderr: string }) => {
    throw new Error(`${entry} ${args.join(' ')} failed:\n${failure.stdout}\n${failure.stderr}`);
  });
  return stdout + stderr;
}

const runEnv = () => ({
  S3_ENDPOINT: storeUrl,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  WAYBILL_SECRET: secret,
});

/** Starts a bundle. Resolves to its address and a function that returns its output so far. */
async function start(args: string[], address = /Open (http:\/\/\S+)/, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, args, {
    cwd: join(dir, 'app'),
    env: { ...buildEnv, NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1', ...runEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data.toString();
      const found = address.exec(output)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', (code) => reject(new Error(`${args.join(' ')} ended with ${code}:\n${output}`)));
  });
  return { url, output: () => output };
}

interface Answer {
  uploads?: { grant: string; request: { url: string; headers: Record<string, string> } }[];
  results?: { file?: { url: string; size: number }; data?: { size: number } }[];
}

/** Requests an upload, sends the bytes, completes it and views the file. */
async function sendOne(call: (path: string, init?: RequestInit) => Promise<Response>): Promise<void> {
  const bytes = randomBytes(5000);
  const checksum = { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('base64') };
  const post = async (path: string, body: unknown): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await call(path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    return JSON.parse(text) as Answer;
  };
  const file = { fileName: 'a.bin', size: bytes.length, contentType: 'application/octet-stream', checksum };
  const { uploads: [upload] = [] } = await post('/api/uploads', { route: 'files', files: [file] });
  if (!upload) throw new Error('No upload was granted.');
  const { url, headers } = upload.request;
  expect((await fetch(url, { method: 'PUT', headers, body: bytes })).status).toBe(200);
  const { results: [result] = [] } = await post('/api/uploads/complete', { grants: [upload.grant] });
  expect(result).toMatchObject({ file: { size: bytes.length }, data: { size: bytes.length } });
  const view = await call(result?.file?.url ?? '', { redirect: 'manual' });
  expect(view.status).toBe(302);
  const stored = await fetch(view.headers.get('location') ?? '');
  expect(Buffer.from(await stored.arrayBuffer()).equals(bytes)).toBe(true);
}

const callTo = (url: string) => (path: string, init?: RequestInit) => fetch(url + path, init);

/** Fetches a page whose hook is rendered on the server, twice, as a reload does. */
async function expectRenderedTwice(url: string, output: () => string): Promise<void> {
  for (const _ of ['the first time', 'reloaded']) {
    const page = await fetch(url);
    const html = await page.text();
    expect([page.status, html.includes('Choose a file')], `${html}\n${output()}`).toEqual([200, true]);
  }
  // React's message when the hook and the renderer use different copies of React.
  expect(output()).not.toMatch(/Invalid hook call|more than one copy of React|reading 'use/);
}

/** Each takes a minute and more. In CI, test/examples/frameworks.test.ts builds an app of Next with Turbopack. */
const nextBuilds = [
  ['Turbopack, a basePath and trailing slashes', '--turbopack', '/shop'],
  ['webpack', '--webpack', ''],
] as const;

if (isFullSize)
  it.each(nextBuilds)('Next.js with %s: a route handler, and a page with the hook', async (_, flag, basePath) => {
    const env = { NEXT_DIST_DIR: `.next${flag}`, NEXT_BASE_PATH: basePath };
    const built = await build('next/dist/bin/next', ['build', 'next-app', flag], env);
    expect(built).toContain('/api/[...path]');
    const args = ['node_modules/next/dist/bin/next', 'start', 'next-app', '--port', '0', '--hostname', '127.0.0.1'];
    const { url, output } = await start(args, /Local:\s+(http:\/\/\S+)/, env);
    await sendOne(callTo(url + basePath));
    await expectRenderedTwice(`${url}${basePath}/`, output);
    const usage = await fetch(`${url}${basePath}/ledger`);
    expect([usage.status, await usage.json()], output()).toEqual([200, expect.objectContaining({ storedBytes: 0 })]);
  });

it('Vite bundles server-side rendering and the handler', async () => {
  await build('vite/bin/vite.js', ['build', 'vite-ssr']);
  const { url, output } = await start(['out/vite-ssr/entry-server.js']);
  await sendOne(callTo(url));
  await expectRenderedTwice(url, output);
});

it.each(['file', 'split'])('esbuild bundles a server: %s', async (form) => {
  // In one file, the `require` of Node is needed for the packages in CommonJS:
  // https://esbuild.github.io/api/#format-esm
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;
  const { build: bundle } = await import('esbuild');
  const { warnings } = await bundle({
    absWorkingDir: join(dir, 'app'),
    entryPoints: ['server.js'],
    outdir: `out/esbuild-${form}`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: form === 'split',
    minify: form === 'file',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: banner },
    logLevel: 'silent',
  });
  expect(warnings.map(({ text }) => text)).toEqual([]);
  const { url } = await start([`out/esbuild-${form}/server.mjs`]);
  await sendOne(callTo(url));
});

it('webpack bundles a server', async () => {
  const { stdout } = await run(process.execPath, ['build-webpack.js'], { cwd: join(dir, 'app'), env: buildEnv }).catch(
    (failure: { stdout: string }) => {
      throw new Error(`webpack failed:\n${failure.stdout}`);
    },
  );
  // Warnings about other packages are ignored.
  expect(stdout).not.toContain('node_modules/waybill');
  const { url } = await start(['out/webpack/server.mjs']);
  await sendOne(callTo(url));
});

it('a Worker module answers Fetch requests, with node: modules of the platform', async () => {
  const { build: bundle } = await import('esbuild');
  const { warnings } = await bundle({
    absWorkingDir: join(dir, 'app'),
    entryPoints: ['worker.js'],
    outfile: 'out/worker/worker.mjs',
    bundle: true,
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*'],
    define: { 'process.env': 'globalThis.workerEnv' },
    format: 'esm',
    logLevel: 'silent',
  });
  expect(warnings.map(({ text }) => text)).toEqual([]);
  const file = join(dir, 'app/out/worker/worker.mjs');
  // Workers have no `require`, and only those modules of Node that are named `node:`.
  const code = await readFile(file, 'utf8');
  expect(code.match(/^import .* from ["'](?!node:)/gm)).toBeNull();
  (globalThis as { workerEnv?: object }).workerEnv = runEnv();
  const { default: worker } = (await import(pathToFileURL(file).href)) as {
    default: { fetch(request: Request): Promise<Response> };
  };
  await sendOne((path, init) => worker.fetch(new Request(new URL(path, 'https://app.example'), init)));
});
