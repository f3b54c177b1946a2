/**
 * The examples of Next, Nuxt, React Router and SvelteKit. They are installed together from the packed tarball. Each is
 * built for production and started with `npm start`, and Chromium sends a photo through it to `waybill devstore`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, it, vi } from 'vitest';
import { expectQuadrants } from '../browser/page-app.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What `npm start` needs to listen on a free port of the loopback interface, and the projects that tsc checks. */
const frameworks = [
  { name: 'next', start: ['--', '--port', '0', '--hostname', '127.0.0.1'], projects: [] },
  { name: 'nuxt', start: [], projects: ['.nuxt/tsconfig.server.json'] },
  { name: 'react-router', start: [], projects: ['tsconfig.json'] },
  { name: 'sveltekit', start: [], projects: ['tsconfig.json'] },
];

const credentials = { accessKeyId: 'example', secretAccessKey: randomBytes(20).toString('hex') };
const { NODE_ENV: _, ...inherited } = process.env;
const env = {
  ...inherited,
  NO_COLOR: '1',
  NEXT_TELEMETRY_DISABLED: '1',
  NUXT_TELEMETRY_DISABLED: '1',
  HOST: '127.0.0.1',
  PORT: '0',
};

vi.setConfig({ testTimeout: 600_000 });

describeBrowser('framework examples', (browser) => {
  let dir: string;
  let storeUrl: string;
  const stores: ChildProcess[] = [];
  const servers: ChildProcess[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-frameworks-'));
    await cp(join(root, 'test/examples/frameworks'), dir, { recursive: true });
    for (const { name } of frameworks)
      await cp(join(root, 'examples', name), join(dir, name), {
        recursive: true,
        filter: (file) => !/node_modules|[\\/](\.\w[\w-]*|build)$/.test(file),
      });
    await cp(inject('tarball'), join(dir, 'waybill.tgz'));
    await run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], { cwd: dir });
    const cli = join(dir, 'node_modules/waybill/dist/cli/main.js');
    const keys = ['--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey];
    const options = ['--port', '0', '--bucket', 'user-content', '--cors', 'http://127.0.0.1:*', '--quiet'];
    const store = spawn(process.execPath, [cli, 'devstore', ...keys, ...options], { cwd: dir, env, detached: true });
    storeUrl = await waitForAddress(store, stores, /endpoint\s+(http:\/\/\S+)/);
  }, 600_000);

  afterEach(() => endAll(servers));

  afterAll(async () => {
    await endAll(stores);
    if (dir) await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  });

  it.each(frameworks)('$name builds, shows a photo also after a reload, and refuses a PDF', async (framework) => {
    const cwd = join(dir, framework.name);
    await build(cwd);
    for (const project of framework.projects) await expectTypes(cwd, project);
    const url = await start(cwd, framework.start);

    const context = await browser().newContext({ viewport: { width: 360, height: 740 }, colorScheme: 'light' });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(url, { waitUntil: 'networkidle' });
    await page.getByLabel('Choose a photo').setInputFiles(fixture('camera.jpg').path);
    const image = page.getByRole('img', { name: 'camera.jpg' });
    await expectQuadrants(image);
    const src = await image.getAttribute('src');
    await page.reload({ waitUntil: 'networkidle' });
    await expectQuadrants(image);
    expect(await image.getAttribute('src')).toBe(src);
    expect(problems).toEqual([]);
    await expectGoodPage(page);

    const stranger = await browser().newContext();
    await stranger.request.get(url);
    expect((await stranger.request.get(new URL(src ?? '', url).href)).status()).toBe(404);
    await stranger.close();

    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'dark' });
    const input = page.getByLabel('Choose a photo');
    await input.setInputFiles(fixture('quadrants.png').path);
    const second = page.getByRole('img', { name: 'quadrants.png' });
    await expectQuadrants(second);
    await input.setInputFiles(fixture('page.pdf').path);
    const refusal = 'page.pdf: Files of the type application/pdf are not accepted here.';
    await page.getByRole('alert').getByText(refusal).waitFor();
    await expectQuadrants(second);
    await expectGoodPage(page);
    await context.close();
  });

  async function build(cwd: string): Promise<void> {
    await run('npm', ['run', 'build'], { cwd, env, maxBuffer: 16 * 1024 ** 2 }).catch(
      (failure: { stdout: string; stderr: string }) => {
        throw new Error(`npm run build failed:\n${failure.stdout}\n${failure.stderr}`);
      },
    );
  }

  function start(cwd: string, options: string[]): Promise<string> {
    const server = spawn('npm', ['start', ...options], {
      cwd,
      detached: true,
      env: {
        ...env,
        NODE_OPTIONS: `--import=${new URL('frameworks/print-address.mjs', import.meta.url).href}`,
        S3_ENDPOINT: storeUrl,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        WAYBILL_SECRET: randomBytes(32).toString('base64'),
      },
    });
    return waitForAddress(server, servers, /Listens on (http:\/\/\S+)/);
  }
});

/** Checks a project with the TypeScript of this repository. */
async function expectTypes(cwd: string, project: string): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '--noEmit', '--listFiles', '-p', project], {
    cwd,
    maxBuffer: 16 * 1024 ** 2,
  }).catch((failure: { stdout?: string; message: string }) => ({ stdout: failure.stdout || failure.message }));
  const lines = stdout.split('\n');
  expect(lines.filter((line) => line.includes('error TS'))).toEqual([]);
  expect(lines.filter((line) => /[\\/]uploads(\.server)?\.ts$/.test(line))).toHaveLength(1);
}

/** axe finds nothing, and the page does not scroll sideways. */
async function expectGoodPage(page: Page): Promise<void> {
  await page.evaluate(await axe);
  const { violations, passes } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  expect(passes.length).toBeGreaterThan(10);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
}

/** Resolves to the first group of the pattern in the output. */
function waitForAddress(child: ChildProcess, children: ChildProcess[], pattern: RegExp): Promise<string> {
  children.push(child);
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data.toString();
      const match = pattern.exec(output)?.[1];
      if (match) resolve(match);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('close', (code) => reject(new Error(`It ended with ${code}:\n${output}`)));
  });
}

/** Ends each process, and those that npm started, which are in its process group. */
async function endAll(children: ChildProcess[]): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    const ended = once(child, 'close');
    process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
}
