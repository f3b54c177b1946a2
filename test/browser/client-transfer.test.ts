/**
 * The client in a real browser: page, app's server and storage on three origins, with correct and with missing CORS
 * rules.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { createClient } from '../../src/client/index.ts';
import type { createPut } from '../../src/client/put.ts';
import type { ClientOptions, Upload } from '../../src/client/types.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { describeBrowser } from '../support/chromium.ts';
import { type ClientPage, openClientPage, type Tracked } from '../support/client-page.ts';
import { forEachStore, openCors } from '../support/stores.ts';

declare global {
  interface Window {
    waybill: { createClient: typeof createClient };
    createPut: typeof createPut;
    track: (upload: Upload) => Promise<Tracked>;
    uploads: Upload[];
  }
}

/** Plain text of any length, so that the content agrees with the declared type. */
const prose = (size: number) =>
  Buffer.from(
    randomBytes(Math.ceil(size / 2))
      .toString('hex')
      .slice(0, size),
  );
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describeBrowser('the client in Chromium', (browser) => {
  let page: Page;
  let dir: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-browser-'));
  });

  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    complaints.length = 0;
    page = await browser().newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
  });

  afterEach(async () => {
    await page.close();
  });

  async function pick(size: number, name: string): Promise<Buffer> {
    const bytes = prose(size);
    await writeFile(join(dir, name), bytes);
    await page.setInputFiles('input', join(dir, name));
    return bytes;
  }

  /** Uploads the picked file, and waits until the upload has ended. */
  function send(client: ClientPage, options: Partial<ClientOptions> = {}): Promise<Tracked> {
    return page.evaluate(
      ([endpoint, given]) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        return window.track(window.waybill.createClient({ endpoint, ...given }).upload('files', file));
      },
      [client.endpoint, options] as const,
    );
  }

  async function open(client: ClientPage): Promise<void> {
    await page.goto(client.url);
    await page.waitForFunction(() => window.waybill);
  }

  forEachStore('from a page of another origin', (store) => {
    let client: ClientPage;

    beforeAll(async () => {
      client = await openClientPage(store.storage());
    });

    afterAll(() => client.close());

    it.each([
      [2000, 'small.txt'],
      [400_000, 'middling.txt'],
      [3_000_000, 'large.txt'],
    ])('upload() stores %i bytes', async (size, name) => {
      await open(client);
      const bytes = await pick(size, name);
      const upload = await send(client);
      expect(upload).toMatchObject({ status: 'done', error: null, loaded: size, data: { stored: size } });
      expect(upload.file).toMatchObject({ fileName: name, size, contentType: 'text/plain' });
      expect(upload.file?.url.startsWith(new URL(client.endpoint).origin)).toBe(true);
      const found = await store.storage().get(upload.file?.key ?? '');
      expect(sha256(new Uint8Array(await new Response(found?.body).arrayBuffer()))).toBe(sha256(bytes));
      expect(complaints).toEqual([]);
    });

    it('a stored file is shown through its stable URL', async () => {
      await open(client);
      const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      await page.setInputFiles('input', {
        name: 'pixel.png',
        mimeType: 'image/png',
        buffer: Buffer.from(pixel, 'base64'),
      });
      const upload = await send(client);
      expect(upload).toMatchObject({ status: 'done', file: { contentType: 'image/png' } });
      const width = await page.evaluate(async (url) => {
        const image = new Image();
        image.src = url;
        await image.decode();
        return image.naturalWidth;
      }, upload.file?.url ?? '');
      expect(width).toBe(1);
    });

    it('upload() fails with cors_blocked and a remedy when the storage has no CORS rules', async () => {
      await store.setCors([]);
      await open(client);
      await pick(2_000_000, 'blocked.txt');
      const upload = await send(client);
      await store.setCors(openCors);
      expect(upload).toMatchObject({ status: 'failed', error: { code: 'cors_blocked' } });
      const { message, details } = upload.error ?? {};
      // The message is for the user, and only the hint for the developer has addresses.
      expect(message).toBe('Uploads are not set up for this page.');
      expect(details?.hint).toContain(client.url);
      expect(details?.hint).toContain(`${store.endpoint}/${store.bucket}`);
      expect(details?.hint).toContain('PUT');
      expect(details?.hint).toContain('if-none-match');
      expect(JSON.stringify(upload)).not.toContain('X-Amz-Signature');
    });
  });

  describe('with injected faults', () => {
    let devstore: Devstore;
    let client: ClientPage;
    let seen: { method: string; status: number; bytesIn: number }[] = [];

    beforeAll(async () => {
      const credentials = { accessKeyId: 'faults', secretAccessKey: 'faults-faults-faults' };
      devstore = await createDevstore({
        dir: join(dir, 'store'),
        credentials: [credentials],
        buckets: ['bucket'],
        cors: [{ allowedOrigins: ['*'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] }],
        onRequest: (report) => seen.push(report),
      });
      const { url } = await devstore.listen();
      client = await openClientPage(
        s3Storage({ bucket: 'bucket', endpoint: url, credentials, capabilities: 'devstore' }),
      );
    });

    beforeEach(async () => {
      await devstore.setCors('bucket', [
        { allowedOrigins: ['*'], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'] },
      ]);
      devstore.setFaults(undefined);
      seen = [];
    });

    afterAll(async () => {
      await client.close();
      await devstore.close();
    });

    const first = (times: number, wanted: string) => {
      let left = times;
      return ({ method }: { method: string }) => method === wanted && left-- > 0;
    };
    const preflights = () => seen.filter(({ method }) => method === 'OPTIONS').length;

    it('a small form causes no preflight', async () => {
      await open(client);
      await pick(200_000, 'quiet.txt');
      expect(await send(client)).toMatchObject({ status: 'done', transfer: 'form' });
      expect(preflights()).toBe(0);
    });

    it('a small form arrives even where CORS hides the answer', async () => {
      await devstore.setCors('bucket', []);
      await open(client);
      await pick(200_000, 'hidden.txt');
      expect(await send(client)).toMatchObject({ status: 'done', transfer: 'form' });
    });

    it.each([
      ['POST', 200_000],
      ['PUT', 2_000_000],
    ])('a lost answer to a %s leads to completion, without sending the bytes again', async (method, size) => {
      await open(client);
      await pick(size, 'lost.txt');
      devstore.setFaults({ when: first(1, method), dropResponseAfterBytes: 0 });
      expect(await send(client)).toMatchObject({ status: 'done' });
      const sent = seen.reduce((sum, { bytesIn }) => sum + bytesIn, 0);
      expect(sent).toBeGreaterThanOrEqual(size);
      expect(sent).toBeLessThan(size * 1.5 + 10_000);
    });

    it('a request is sent again after its connection broke', async () => {
      await open(client);
      await pick(4_000_000, 'broken.txt');
      devstore.setFaults({ when: first(2, 'PUT'), dropRequestAfterBytes: 500_000 });
      expect(await send(client)).toMatchObject({ status: 'done' });
    });

    it('an expired request is replaced without a visible failure', async () => {
      await open(client);
      await pick(2_000_000, 'expired.txt');
      devstore.setFaults({ when: first(1, 'PUT'), expire: true });
      const upload = await send(client);
      expect(upload).toMatchObject({ status: 'done' });
      expect(upload.snapshots.some(({ status }) => status === 'failed')).toBe(false);
    });

    it('snapshots report progress in bytes', async () => {
      await open(client);
      await pick(8_000_000, 'steady.txt');
      const session = await page.context().newCDPSession(page);
      await session.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 5,
        downloadThroughput: -1,
        uploadThroughput: 4_000_000,
      });
      const { snapshots, status } = await send(client);
      expect(status).toBe('done');
      const moving = snapshots.filter((snapshot) => snapshot.status === 'uploading' && snapshot.loaded > 0);
      expect(moving.length).toBeGreaterThan(3);
      const loaded = moving.map((snapshot) => snapshot.loaded);
      expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
      expect(moving.some(({ bytesPerSecond, secondsLeft }) => bytesPerSecond > 0 && secondsLeft !== null)).toBe(true);
    });

    it('an upload waits while the browser is offline', async () => {
      await open(client);
      await pick(200_000, 'offline.txt');
      await page.evaluate((endpoint) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        window.uploads = [];
        // The route has to be known, and the code loaded, before the connection is lost.
        const client = window.waybill.createClient({ endpoint });
        return client.upload('files', new File(['first'], 'first.txt', { type: 'text/plain' })).done.then(() => {
          window.addEventListener('offline', () => window.uploads.push(client.upload('files', file)));
        });
      }, client.endpoint);
      await page.context().setOffline(true);
      await page.waitForFunction(() => window.uploads[0]?.getSnapshot().waiting === 'offline');
      await page.context().setOffline(false);
      const upload = await page.evaluate(() => window.track(window.uploads[0] as Upload));
      expect(upload).toMatchObject({ status: 'done', error: null });
    });

    it('upload() fails with source_unreadable when the file was deleted after it was chosen', async () => {
      await open(client);
      await pick(200_000, 'gone.txt');
      await rm(join(dir, 'gone.txt'));
      expect((await send(client)).error).toMatchObject({ code: 'source_unreadable' });
      await pick(200_000, 'gone-later.txt');
      const upload = await page.evaluate(async (endpoint) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        const upload = window.waybill.createClient({ endpoint, retries: 3 }).upload('files', file);
        window.uploads = [upload];
        // The checksum is computed by then; the bytes are read again when they are sent.
        await new Promise<void>((resolve) => {
          upload.subscribe(() => upload.getSnapshot().status === 'granting' && resolve());
        });
        upload.pause();
        return upload.getSnapshot().status;
      }, client.endpoint);
      expect(upload).toBe('paused');
      await rm(join(dir, 'gone-later.txt'));
      const ended = await page.evaluate(() => {
        const [upload] = window.uploads as [Upload];
        upload.resume();
        return window.track(upload);
      });
      expect(ended.error).toMatchObject({ code: 'source_unreadable' });
    });

    it('guardUnload() makes the browser ask only before an unfinished upload is left', async () => {
      await open(client);
      const bytes = await pick(200_000, 'guarded.txt');
      const asked: string[] = [];
      page.on('dialog', (dialog) => {
        asked.push(dialog.type());
        void dialog.dismiss();
      });
      const stopped = await page.evaluateHandle((endpoint) => {
        const client = window.waybill.createClient({ endpoint });
        const file = document.querySelector('input')?.files?.[0] as File;
        Object.assign(window, { stopGuard: client.guardUnload() });
        window.uploads = [client.upload('files', file)];
        window.uploads[0]?.pause();
      }, client.endpoint);
      await stopped.dispose();
      // Browsers ask only after the user has interacted with the page.
      await page.click('body');
      await page.evaluate(() => location.reload());
      await expect.poll(() => asked).toEqual(['beforeunload']);
      await page.evaluate(() => window.uploads[0]?.resume());
      const { file } = await page.evaluate(() => window.track(window.uploads[0] as Upload));
      expect(file?.size).toBe(bytes.length);
      await page.reload();
      expect(asked).toEqual(['beforeunload']);
    });

    it('abort() stops an upload while bytes are sent', async () => {
      await open(client);
      await pick(8_000_000, 'aborted.txt');
      devstore.setFaults({ when: ({ method }) => method === 'PUT', delayMs: 600_000 });
      const upload = await page.evaluate(async (endpoint) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        const upload = window.waybill.createClient({ endpoint }).upload('files', file);
        upload.subscribe(() => upload.getSnapshot().status === 'uploading' && upload.abort());
        return window.track(upload);
      }, client.endpoint);
      expect(upload).toMatchObject({ status: 'aborted', error: { code: 'aborted' } });
    });

    it('upload() fails when the picked file is changed on the disk before it is sent', async () => {
      await open(client);
      await pick(2_000_000, 'changed.txt');
      await page.route(client.endpoint, async (request) => {
        await writeFile(join(dir, 'changed.txt'), prose(1_900_000));
        await request.continue();
      });
      const upload = await send(client);
      expect(upload.status).toBe('failed');
      expect(upload.error?.code).toMatch(/^source_(unreadable|changed)$/);
    });

    it('cors_blocked names the server when the server does not allow the page', async () => {
      const storage = s3Storage({
        bucket: 'bucket',
        endpoint: 'http://127.0.0.1:9',
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        capabilities: 'devstore',
      });
      const closed = await openClientPage(storage, { allowPage: false });
      try {
        await open(closed);
        await pick(2000, 'server.txt');
        const upload = await send(closed, { retries: 2 });
        expect(upload.error?.code).toBe('cors_blocked');
        expect(upload.error?.details?.hint).toContain(new URL(closed.endpoint).origin);
        expect(upload.error?.details?.hint).toContain('allowedOrigins');
      } finally {
        await closed.close();
      }
    });

    it('upload() fails with network_error when no server listens', async () => {
      await open(client);
      await pick(2000, 'unreachable.txt');
      const upload = await send({ ...client, endpoint: 'http://127.0.0.1:9/uploads' }, { retries: 2 });
      expect(upload.error?.code).toBe('network_error');
    });

    it('createPut() stores a file', async () => {
      await open(client);
      await pick(500_000, 'put.txt');
      const result = await page.evaluate(async (endpoint) => {
        const file = document.querySelector('input')?.files?.[0] as File;
        let loaded = 0;
        const { data } = await window.createPut({ endpoint })('files', file, {
          onProgress: (bytes) => {
            loaded = bytes;
          },
        });
        return { data, loaded };
      }, client.endpoint);
      expect(result).toEqual({ data: { stored: 500_000 }, loaded: 500_000 });
    });
  });
});
