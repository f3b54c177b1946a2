/**
 * Large files in a real browser: parts, workers, lost connections, reloads, streams and a second host of the storage.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ClientOptions, Resumable } from '../../src/client/types.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { describeBrowser } from '../support/chromium.ts';
import { type ClientPage, openClientPage, type Tracked } from '../support/client-page.ts';

const MiB = 2 ** 20;
const credentials = { accessKeyId: 'parts', secretAccessKey: 'parts-parts-parts-parts' };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** Plain text in which all parts differ. */
const prose = (size: number) =>
  Buffer.concat(Array.from({ length: size / MiB }, () => Buffer.from(randomBytes(MiB / 2).toString('hex'))));

describeBrowser('files in parts in Chromium', (browser) => {
  let page: Page;
  let dir: string;
  let devstore: Devstore;
  let client: ClientPage;
  let seen: { method: string; status: number; bytesIn: number }[] = [];
  const complaints: string[] = [];
  const storage = () =>
    s3Storage({
      bucket: 'bucket',
      endpoint: url,
      credentials,
      capabilities: 'devstore',
      publicEndpoint: [url, second],
    });
  let url: string;
  let second: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-browser-parts-'));
    devstore = await createDevstore({
      dir: join(dir, 'store'),
      credentials: [credentials],
      buckets: ['bucket'],
      cors: [{ allowedOrigins: ['*'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] }],
      onRequest: (report) => seen.push(report),
    });
    ({ url } = await devstore.listen());
    second = url.replace('127.0.0.1', 'localhost');
    client = await openClientPage(storage());
  });

  afterAll(async () => {
    await client.close();
    await devstore.close();
    await rm(dir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    seen = [];
    complaints.length = 0;
    devstore.setFaults(undefined);
    page = await browser().newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await open();
  });

  afterEach(() => page.close());

  async function open(): Promise<void> {
    await page.goto(client.url);
    await page.waitForFunction(() => window.waybill);
  }

  async function pick(size: number, name: string): Promise<Buffer> {
    const bytes = prose(size);
    await writeFile(join(dir, name), bytes);
    await page.setInputFiles('input', join(dir, name));
    return bytes;
  }

  const send = (options: Partial<ClientOptions> = {}): Promise<Tracked> =>
    page.evaluate(
      ([endpoint, given]) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        return window.track(window.waybill.createClient({ endpoint, ...given }).upload('files', file));
      },
      [client.endpoint, options] as const,
    );

  async function expectStored(upload: Tracked, bytes: Uint8Array): Promise<void> {
    expect(upload).toMatchObject({ status: 'done', error: null, file: { size: bytes.length } });
    const found = await storage().get(upload.file?.key ?? '');
    expect(sha256(new Uint8Array(await new Response(found?.body).arrayBuffer()))).toBe(sha256(bytes));
  }

  const sent = () => seen.filter(({ method }) => method === 'PUT').reduce((sum, { bytesIn }) => sum + bytesIn, 0);

  it('upload() stores 64 MiB over two hosts, hashes it in workers, and reports progress', async () => {
    const bytes = await pick(64 * MiB, 'large.txt');
    const upload = await send();
    await expectStored(upload, bytes);
    expect(upload).toMatchObject({ transfer: 'multipart', loaded: 64 * MiB, total: 64 * MiB });
    const loaded = upload.snapshots.map((snapshot) => snapshot.loaded);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(complaints).toEqual([]);
  });

  it('upload() works without workers where the page forbids them', async () => {
    await page.evaluate(() => {
      const policy = Object.assign(document.createElement('meta'), { content: "worker-src 'none'" });
      policy.httpEquiv = 'Content-Security-Policy';
      document.head.append(policy);
    });
    const bytes = await pick(20 * MiB, 'policy.txt');
    await expectStored(await send(), bytes);
    expect(complaints.join()).toContain('worker-src');
  });

  it('upload() sends again only the parts that failed', async () => {
    const bytes = await pick(48 * MiB, 'broken.txt');
    let left = 4;
    devstore.setFaults({ when: ({ method }) => method === 'PUT' && left-- > 0, dropRequestAfterBytes: 500_000 });
    const upload = await send();
    await expectStored(upload, bytes);
    expect(sent()).toBeLessThan(48 * MiB + 8 * MiB);
  });

  it('resume() after a reload sends only what is missing of the file that is picked again', async () => {
    const bytes = await pick(48 * MiB, 'reload.txt');
    // About one part for each host arrives; the others wait until the page is reloaded. The client may stop a part and
    // send it again, so the parts that have arrived are counted. The server writes small records by PUT as well.
    const arrived = () =>
      seen.filter(({ method, status, bytesIn }) => method === 'PUT' && status === 200 && bytesIn >= MiB);
    devstore.setFaults({
      when: ({ method, query }) => method === 'PUT' && query.includes('partNumber') && arrived().length > 0,
      delayMs: 600_000,
    });
    await page.evaluate((endpoint) => {
      const file = document.querySelector('input')?.files?.[0] as File;
      window.uploads = [window.waybill.createClient({ endpoint, concurrency: 1 }).upload('files', file)];
    }, client.endpoint);
    await expect.poll(() => arrived().length, { timeout: 60_000 }).toBeGreaterThan(0);
    const before = seen.filter(({ status }) => status === 200).reduce((sum, { bytesIn }) => sum + bytesIn, 0);
    await open();
    devstore.setFaults(undefined);
    seen = [];
    const left = await page.evaluate(async (endpoint) => {
      const found: Resumable[] = await window.waybill.createClient({ endpoint }).resumable();
      return found.map(({ fileName, size, needsFile }) => ({ fileName, size, needsFile }));
    }, client.endpoint);
    expect(left).toEqual([{ fileName: 'reload.txt', size: 48 * MiB, needsFile: true }]);
    await page.setInputFiles('input', join(dir, 'reload.txt'));
    const upload = await send();
    await expectStored(upload, bytes);
    expect(sent()).toBeLessThanOrEqual(48 * MiB - before + 20_000);
    const none = await page.evaluate(
      async (endpoint) => (await window.waybill.createClient({ endpoint }).resumable()).length,
      client.endpoint,
    );
    expect(none).toBe(0);
  });

  it('resume() continues after pause()', async () => {
    const bytes = await pick(32 * MiB, 'paused.txt');
    devstore.setFaults({ when: ({ method }) => method === 'PUT', delayMs: 200 });
    const upload = await page.evaluate(async (endpoint) => {
      const file = document.querySelector('input')?.files?.[0] as File;
      const upload = window.waybill.createClient({ endpoint }).upload('files', file);
      let paused = 0;
      upload.subscribe(() => {
        const { status, loaded } = upload.getSnapshot();
        if (status === 'uploading' && loaded > 0 && !paused++) {
          upload.pause();
          setTimeout(upload.resume, 100);
        }
      });
      return window.track(upload);
    }, client.endpoint);
    await expectStored(upload, bytes);
    expect(upload.snapshots.some(({ status }) => status === 'paused')).toBe(true);
  });

  it('upload() stores a stream while it is read', async () => {
    const upload = await page.evaluate(async (endpoint) => {
      const encoder = new TextEncoder();
      let left = 20;
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left-- > 0) controller.enqueue(encoder.encode('x'.repeat(2 ** 20)));
          else controller.close();
        },
      });
      const options = { fileName: 'stream.txt', contentType: 'text/plain' };
      return window.track(window.waybill.createClient({ endpoint }).upload('files', stream, options));
    }, client.endpoint);
    await expectStored(upload, Buffer.alloc(20 * MiB, 'x'));
    expect(upload).toMatchObject({ size: 20 * MiB, total: 20 * MiB });
  });

  it('upload() fails when the file is edited meanwhile, and deletes its parts', async () => {
    await pick(32 * MiB, 'edited.txt');
    let puts = 0;
    devstore.setFaults({
      when: ({ method }) => {
        if (method === 'PUT' && ++puts === 2) void writeFile(join(dir, 'edited.txt'), prose(32 * MiB));
        return false;
      },
    });
    const upload = await send({ concurrency: 1 });
    expect(upload.status).toBe('failed');
    expect(upload.error?.code).toMatch(/^source_(changed|unreadable)$/);
    await expect.poll(async () => (await storage().listMultiparts({ prefix: '' })).uploads.length).toBe(0);
  });
});
