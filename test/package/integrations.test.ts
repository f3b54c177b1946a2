/**
 * The code of docs/interop.md with the libraries that it is for: type-checked, bundled once, and used in Chromium, with
 * files that go to a development store.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Uppy } from '@uppy/core';
import { build } from 'esbuild';
import type { FilePond } from 'filepond';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { toNodeHandler } from '../../src/adapters/node.ts';
import type { Client } from '../../src/client/index.ts';
import { type CorsRule, createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { MiB } from '../../src/protocol/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { describeBrowser } from '../support/chromium.ts';
import { listen, stop } from '../support/client-page.ts';
import { fixture } from '../support/fixtures.ts';
import { installPacked } from '../support/packed.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const credentials = { accessKeyId: 'interop', secretAccessKey: 'a-secret-of-the-integrations' };
/** Null takes the version of this repository. */
const packages = {
  ...Object.fromEntries(
    ['react', 'react-dom', '@types/react', '@types/react-dom', '@types/node', '@uppy/core', 'filepond'].map((name) => [
      name,
      null,
    ]),
  ),
  '@uppy/dashboard': '5.1.1',
  '@uppy/golden-retriever': '5.2.1',
  antd: '6.6.8',
  'react-dropzone': '20.1.4',
  'react-hook-form': '7.92.0',
  '@tanstack/react-query': '5.108.0',
};

declare global {
  interface Window {
    client: Client;
    uppy: Uppy;
    pond: FilePond;
    saved: unknown[];
  }
}

const html = `<!doctype html><title>integrations</title><link rel="stylesheet" href="/page.css">
<div id="files"></div><input type="file" name="photo"><div id="antd"></div><div id="dropzone"></div>
<div id="form"></div><div id="query"></div><script type="module" src="/page.js"></script>`;
const camera = Buffer.from(fixture('camera.jpg').bytes);
const photo = (name = 'camera.jpg') => ({
  name,
  mimeType: 'image/jpeg',
  buffer: camera,
});

describeBrowser('the code of docs/interop.md', (browser) => {
  let dir: string;
  let store: Devstore;
  let storeUrl: string;
  let server: Server;
  let url: string;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    dir = await installPacked('integrations', packages);
    await writeSources(dir);
    const assets = await bundle(dir);
    server = createServer();
    url = await listen(server);
    const cors: CorsRule[] = [
      { allowedOrigins: [url], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'], exposeHeaders: ['ETag'] },
    ];
    store = await createDevstore({ dir: join(dir, 'store'), credentials: [credentials], buckets: ['photos'], cors });
    storeUrl = (await store.listen()).url;
    const uploads = createPhotoUploads(storeUrl);
    const handle = toNodeHandler(uploads);
    server.on('request', (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0] as string;
      if (uploads.owns(path)) return handle(request, response);
      const extension = path.slice(path.lastIndexOf('.') + 1) as keyof typeof types;
      response.setHeader('content-type', types[extension] ?? 'text/html');
      response.end(assets.get(path) ?? html);
    });
  });

  afterAll(async () => {
    if (server) await stop(server);
    await store?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    complaints.length = 0;
    page = await (await browser().newContext()).newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await open();
  });

  afterEach(async () => {
    await page?.context().close();
    expect(complaints).toEqual([]);
  });

  async function open(): Promise<void> {
    await page.goto(url);
    await page.waitForSelector('#dropzone input', { state: 'attached' });
    await page.waitForFunction(() => window.uppy.opts.restrictions.maxFileSize !== null);
  }

  /** Keeps the requests to the storage until `release` is called. Those that end before are lost. */
  async function holdStorage(): Promise<{ urls: string[]; release: () => Promise<void> }> {
    const urls: string[] = [];
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(`${storeUrl}/**`, async (route) => {
      if (route.request().method() !== 'OPTIONS') urls.push(route.request().url());
      await released;
      await route.continue().catch(() => {});
    });
    return {
      urls,
      async release() {
        release();
        await page.unroute(`${storeUrl}/**`);
      },
    };
  }

  /** Reads a stored file as its owner does. */
  const sizeAt = (fileUrl: string) =>
    page.evaluate(async (path) => (await (await fetch(path)).blob()).size, fileUrl).catch(() => null);
  const fileInput = '#files input.uppy-Dashboard-input[type=file]:not([webkitdirectory])';
  const uppyFiles = () => page.evaluate(() => window.uppy.getFiles().map((file) => ({ ...file, data: null })));

  it('type-checks', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', dir, '--listFiles']).catch(
      (failure: { stdout?: string; message: string }) => ({ stdout: failure.stdout || failure.message }),
    );
    expect(stdout.split('\n').filter((line) => line.includes('error TS'))).toEqual([]);
    expect(stdout.split('\n').filter((line) => line.startsWith(join(dir, 'src'))).length).toBeGreaterThan(8);
  });

  it("Uppy's Dashboard refuses a file by the route's limits, and sends another", async () => {
    await page.setInputFiles(fileInput, { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('text') });
    await page.waitForSelector('text=You can only upload: image/*');
    await page.setInputFiles(fileInput, photo());
    await page.click('.uppy-StatusBar-actionBtn--upload');
    await page.waitForSelector('#files .uppy-StatusBar-statusPrimary:has-text("Complete")');
    const [file] = await uppyFiles();
    expect(file?.response?.body).toMatchObject({ file: { fileName: 'camera.jpg' }, data: { size: camera.length } });
    expect(file?.uploadURL).toMatch(/^\/files\//);
    expect(await sizeAt(file?.uploadURL ?? '')).toBe(camera.length);
  });

  it("Uppy's Dashboard pauses, resumes and removes files", async () => {
    const { urls, release } = await holdStorage();
    await page.setInputFiles(fileInput, [photo('one.jpg'), photo('two.jpg')]);
    await page.click('.uppy-StatusBar-actionBtn--upload');
    await expect.poll(() => urls.length).toBe(2);
    await page.click('#files .uppy-Dashboard-Item:has-text("two.jpg") button.uppy-Dashboard-Item-action--remove');
    await page.click('#files .uppy-StatusBar-actionCircleBtn[title=Pause]');
    expect((await uppyFiles()).map(({ name, isPaused }) => [name, isPaused])).toEqual([['one.jpg', true]]);
    await release();
    await page.click('#files .uppy-StatusBar-actionCircleBtn[title=Resume]');
    await page.waitForSelector('#files .uppy-StatusBar-statusPrimary:has-text("Complete")');
    expect((await uppyFiles()).map(({ name }) => name)).toEqual(['one.jpg']);
  });

  it("Uppy's Dashboard shows an error, and its button tries again", async () => {
    const error = { code: 'forbidden', message: 'You may not upload here.', retryable: false };
    await page.route(`${url}/uploads`, (route) => route.fulfill({ status: 403, json: { error } }), { times: 1 });
    await page.setInputFiles(fileInput, photo());
    await page.click('.uppy-StatusBar-actionBtn--upload');
    await page.waitForSelector('#files .uppy-StatusBar-statusPrimary:has-text("Upload failed")');
    expect((await uppyFiles()).map((file) => file.error)).toEqual(['You may not upload here.']);
    await page.click('#files .uppy-StatusBar-actionBtn--retry');
    await page.waitForSelector('#files .uppy-StatusBar-statusPrimary:has-text("Complete")');
  });

  it('Golden Retriever continues a large file after a reload, and sends no part again', async () => {
    const parts: string[] = [];
    let isReloaded = false;
    await page.route(`${storeUrl}/**partNumber=**`, async (route) => {
      const [, part = ''] = /partNumber=(\d+)/.exec(route.request().url()) ?? [];
      if (route.request().method() === 'PUT') parts.push(part);
      // Only the first part arrives before the reload.
      if (part === '1' || isReloaded) await route.continue().catch(() => {});
    });
    const arrived = page.waitForResponse(
      (response) => /partNumber=1&|partNumber=1$/.test(response.url()) && response.ok(),
    );
    // Golden Retriever keeps files of up to 10 MB. The file has two parts.
    const buffer = Buffer.concat([camera, Buffer.alloc(8 * MiB)]);
    const path = join(dir, 'large.jpg');
    await writeFile(path, buffer);
    await page.setInputFiles(fileInput, path);
    await page.click('.uppy-StatusBar-actionBtn--upload');
    await arrived;
    await expect.poll(() => parts.length).toBeGreaterThan(1);
    isReloaded = true;
    const before = parts.splice(0);
    await open();
    await page.click('#files .uppy-Dashboard-serviceMsg-actionBtn, #files .uppy-StatusBar-actionBtn--upload');
    await page.waitForSelector('#files .uppy-StatusBar-statusPrimary:has-text("Complete")');
    expect(before).toContain('1');
    expect(parts.length).toBeGreaterThan(0);
    expect(parts).not.toContain('1');
    const [file] = await uppyFiles();
    expect(await sizeAt(file?.uploadURL ?? '')).toBe(buffer.length);
  });

  it('FilePond sends a file, and deletes it when the user removes it', async () => {
    await page.setInputFiles('.filepond--browser', photo());
    await page.waitForSelector('.filepond--item[data-filepond-item-state="processing-complete"]');
    const serverId = await page.evaluate(() => window.pond.getFiles()[0]?.serverId ?? '');
    expect(serverId).toMatch(/^\/files\//);
    expect(await page.inputValue('input[type=hidden][name=photo]')).toBe(serverId);
    expect(await sizeAt(serverId)).toBe(camera.length);
    await page.evaluate((source) => window.pond.addFile(source, { type: 'local' }), serverId);
    expect(await page.evaluate(() => window.pond.getFiles().map((file) => file.fileSize))).toEqual([
      camera.length,
      camera.length,
    ]);
    await page.evaluate((id) => {
      const sent = window.pond.getFiles().find((file) => file.serverId === id && file.origin === 1);
      if (sent) window.pond.removeFile(sent, { revert: true });
    }, serverId);
    await expect
      .poll(() => page.evaluate(async (path) => (await fetch(path, { cache: 'no-store' })).status, serverId))
      .toBe(404);
  });

  it('FilePond cancels an upload, and shows the message of an error', async () => {
    const { urls, release } = await holdStorage();
    await page.setInputFiles('.filepond--browser', photo());
    await expect.poll(() => urls.length).toBe(1);
    const aborted = page.waitForRequest(`${url}/uploads/abort`);
    await page.click('.filepond--action-abort-item-processing');
    await aborted;
    await release();
    await page.setInputFiles('.filepond--browser', { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') });
    await page.waitForSelector('.filepond--file-status-main:has-text("text/plain")');
  });

  it("Ant Design's Upload sends a file and cancels another", async () => {
    await page.setInputFiles('#antd input', photo());
    await page.waitForFunction(() => window.saved.length === 1);
    expect(await sizeAt(String(await page.evaluate(() => window.saved[0])))).toBe(camera.length);
    const { urls } = await holdStorage();
    await page.setInputFiles('#antd input', photo('two.jpg'));
    await expect.poll(() => urls.length).toBe(1);
    const aborted = page.waitForRequest(`${url}/uploads/abort`);
    await page.click('#antd .ant-upload-list-item:has-text("two.jpg") button[title="Remove file"]');
    await aborted;
  });

  it('react-dropzone refuses a file, sends another, and cancels', async () => {
    await page.setInputFiles('#dropzone input', { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') });
    await page.waitForSelector('#dropzone [role=alert]:has-text("a.txt")');
    await page.setInputFiles('#dropzone input', photo());
    await page.waitForSelector('#dropzone li:has-text("done")');
    await holdStorage();
    await page.setInputFiles('#dropzone input', photo('two.jpg'));
    await page.click('#dropzone li:has-text("two.jpg") button:has-text("Cancel")');
    await page.waitForSelector('#dropzone li:has-text("The upload was cancelled.")');
  });

  it('React Hook Form shows an error at its field, and saves the URL', async () => {
    await page.fill('#form [aria-label=Title]', 'A tree');
    await page.setInputFiles('#form [aria-label=Photo]', {
      name: 'a.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('a'),
    });
    await page.click('#form button');
    await page.waitForSelector('#form [role=alert]:has-text("text/plain")');
    await page.setInputFiles('#form [aria-label=Photo]', photo());
    await page.click('#form button');
    await page.waitForFunction(() => window.saved.length === 1);
    const [entry] = (await page.evaluate(() => window.saved)) as { title: string; photoUrl: string }[];
    expect(entry?.title).toBe('A tree');
    expect(await sizeAt(entry?.photoUrl ?? '')).toBe(camera.length);
  });

  it("TanStack Query's mutation is cancelled, and then adds a file to the cached list", async () => {
    const { urls, release } = await holdStorage();
    await page.setInputFiles('#query input', photo('one.jpg'));
    await expect.poll(() => urls.length).toBe(1);
    await page.click('#query button');
    await page.waitForSelector('#query [role=alert]:has-text("The upload was cancelled.")');
    await release();
    await page.setInputFiles('#query input', photo('two.jpg'));
    await page.waitForSelector('#query li:has-text("two.jpg")');
    expect(await page.locator('#query li').count()).toBe(1);
  });
});

const types = { js: 'text/javascript', css: 'text/css' };

/** Writes the blocks of the page, beside the server that they refer to. */
async function writeSources(dir: string): Promise<void> {
  const text = await readFile(join(root, 'docs/interop.md'), 'utf8');
  const blocks = [...text.matchAll(/^```tsx?\n\/\/ (\S+)\n([\s\S]+?)^```$/gm)];
  expect(blocks.length).toBeGreaterThan(6);
  const frameworks = await readFile(join(root, 'docs/frameworks.md'), 'utf8');
  const [, server = ''] = /^```ts\n\/\/ uploads\.ts\n([\s\S]+?)^```$/m.exec(frameworks) ?? [];
  await mkdir(join(dir, 'src'));
  await writeFile(join(dir, 'src/uploads.ts'), server);
  for (const [, name = '', code = ''] of blocks) await writeFile(join(dir, 'src', name), code);
  for (const file of ['integrations/page.tsx', 'integrations/css.d.ts', 'guides/app.ts', 'guides/storage.ts'])
    await copyFile(join(root, 'test/package', file), join(dir, 'src', basename(file)));
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    jsx: 'react-jsx',
    types: ['node'],
    skipLibCheck: true,
    noEmit: true,
  };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
}

/** Bundles the page. Returns its files by path. */
async function bundle(dir: string): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    absWorkingDir: dir,
    entryPoints: { page: 'src/page.tsx' },
    bundle: true,
    splitting: true,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'dataurl' },
    write: false,
    outdir: '/',
    logLevel: 'error',
  });
  return new Map(outputFiles.map(({ path, text }) => [`/${basename(path)}`, text]));
}

const createPhotoUploads = (endpoint: string) =>
  createUploads({
    storage: s3Storage({ bucket: 'photos', endpoint, credentials, capabilities: 'devstore' }),
    secret: 'a-secret-of-at-least-thirty-two-characters',
    multipartMinBytes: 6 * MiB,
    routes: {
      photo: route({
        limits: { contentTypes: ['image/*'], maxBytes: 20 * MiB },
        authorize: () => ({ ownerId: 'anna' }),
        onComplete: ({ file }) => ({ size: file.size }),
      }),
    },
  });
