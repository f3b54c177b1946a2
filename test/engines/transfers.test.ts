/** What goes wrong on the way, in each browser engine: lost answers, broken connections, aborts. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { forEachEngine } from '../support/engines.ts';
import {
  acceptedPuts,
  holdPartsAfterTwo,
  isPart,
  openUploadPage,
  startUpload,
  sum,
  type UploadPage,
  useUploadApp,
} from './upload-app.ts';

forEachEngine('transfers', { main: false }, ({ engine }) => {
  const app = useUploadApp();
  const first = (times: number, wanted: string) => {
    let left = times;
    return ({ method }: { method: string }) => method === wanted && left-- > 0;
  };
  const open = () => openUploadPage(engine(), app());
  /** Waits until the upload that `startUpload` began has ended. */
  const waitForEnd = (page: UploadPage) => page.evaluate(() => window.track(window.uploads[0] as never));

  // The first case of the file: Chromium itself repeats a POST whose connection was used before and closed without an
  // answer.
  it.each([
    ['POST', 200_000],
    ['PUT', 2_000_000],
  ])('a lost answer to a %s leads to completion, without sending the bytes again', async (method, size) => {
    const page = await open();
    const bytes = await page.choose(size, 'lost.txt');
    app().devstore.setFaults({ when: first(1, method), dropResponseAfterBytes: 0 });
    await app().expectStored(await page.upload(), bytes);
    expect(sum(app().seen.map(({ bytesIn }) => bytesIn))).toBeLessThan(size * 1.5 + 10_000);
    await page.close();
  });

  it('a small form arrives even where CORS hides the answer', async () => {
    await app().allowPages(false);
    const page = await open();
    const bytes = await page.choose(200_000, 'hidden.txt');
    const upload = await page.upload();
    expect(upload).toMatchObject({ transfer: 'form' });
    await app().expectStored(upload, bytes);
    await page.close();
  });

  it('a request is sent again after its connection broke', async () => {
    const page = await open();
    const bytes = await page.choose(4_000_000, 'broken.txt');
    app().devstore.setFaults({ when: first(2, 'PUT'), dropRequestAfterBytes: 500_000 });
    await app().expectStored(await page.upload(), bytes);
    await page.close();
  });

  it('an expired request is replaced without a visible failure', async () => {
    const page = await open();
    const bytes = await page.choose(2_000_000, 'expired.txt');
    app().devstore.setFaults({ when: first(1, 'PUT'), expire: true });
    const upload = await page.upload();
    await app().expectStored(upload, bytes);
    expect(upload.snapshots.some(({ status }) => status === 'failed')).toBe(false);
    await page.close();
  });

  it('only the parts that failed are sent again', async () => {
    const page = await open();
    const bytes = await page.choose(32 * MiB, 'parts.txt');
    let left = 2;
    app().devstore.setFaults({ when: (request) => isPart(request) && left-- > 0, dropRequestAfterBytes: 500_000 });
    await app().expectStored(await page.upload(), bytes);
    expect(sum(acceptedPuts(app()))).toBe(bytes.length);
    await page.close();
  });

  it('resume() continues after pause(), and no part is sent twice', async () => {
    const page = await open();
    const bytes = await page.choose(32 * MiB, 'paused.txt');
    holdPartsAfterTwo(app());
    await startUpload(page, app(), { concurrency: 1 });
    await expect.poll(() => acceptedPuts(app()).length).toBe(2);
    await page.waitFor(() => (window.uploads[0]?.getSnapshot().loaded ?? 0) > 0);
    await page.evaluate(() => window.uploads[0]?.pause());
    await page.waitFor(() => window.uploads[0]?.getSnapshot().status === 'paused');
    app().devstore.setFaults(undefined);
    await page.evaluate(() => window.uploads[0]?.resume());
    await app().expectStored(await waitForEnd(page), bytes);
    expect(sum(acceptedPuts(app()))).toBe(bytes.length);
    await page.close();
  });

  it('abort() stops an upload while bytes are sent', async () => {
    const page = await open();
    await page.choose(8_000_000, 'aborted.txt');
    app().devstore.setFaults({ when: ({ method }) => method === 'PUT', delayMs: 600_000 });
    await startUpload(page, app());
    await page.waitFor(() => window.uploads[0]?.getSnapshot().status === 'uploading');
    await page.evaluate(() => window.uploads[0]?.abort());
    expect(await waitForEnd(page)).toMatchObject({ status: 'aborted', error: { code: 'aborted' } });
    await page.close();
  });

  it('upload() fails with source_unreadable when the file was deleted after it was chosen', async () => {
    const page = await open();
    await page.choose(200_000, 'gone.txt');
    await rm(join(app().dir, 'gone.txt'));
    expect((await page.upload()).error).toMatchObject({ code: 'source_unreadable' });
    await page.close();
  });

  it('upload() stores a stream while it is read', async () => {
    const page = await open();
    const upload = await page.evaluate(async (endpoint) => {
      const encoder = new TextEncoder();
      let left = 12;
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left-- > 0) controller.enqueue(encoder.encode('x'.repeat(2 ** 20)));
          else controller.close();
        },
      });
      const options = { fileName: 'stream.txt', contentType: 'text/plain' };
      return window.track(window.waybill.createClient({ endpoint }).upload('files', stream, options));
    }, app().page.endpoint);
    await app().expectStored(upload, Buffer.alloc(12 * MiB, 'x'));
    await page.close();
  });

  it('upload() works without workers where the page forbids them', async () => {
    const page = await open();
    await page.evaluate(() => {
      const policy = Object.assign(document.createElement('meta'), { content: "worker-src 'none'" });
      policy.httpEquiv = 'Content-Security-Policy';
      document.head.append(policy);
    });
    const bytes = await page.choose(20 * MiB, 'policy.txt');
    await app().expectStored(await page.upload(), bytes);
    await page.close();
  });

  it('createPut() stores a file and reports progress', async () => {
    const page = await open();
    await page.choose(500_000, 'put.txt');
    const result = await page.evaluate(async (endpoint) => {
      const file = document.querySelector('input')?.files?.[0] as File;
      const sizes: number[] = [];
      const { data } = await window.createPut({ endpoint })('files', file, { onProgress: (size) => sizes.push(size) });
      return { data, last: sizes.at(-1) };
    }, app().page.endpoint);
    expect(result).toEqual({ data: { stored: 500_000 }, last: 500_000 });
    await page.close();
  });

  it('upload() fails with network_error when no server listens', async () => {
    const page = await open();
    await page.choose(2000, 'unreachable.txt');
    const upload = await page.evaluate(() => {
      const file = document.querySelector('input')?.files?.[0] as File;
      const client = window.waybill.createClient({ endpoint: 'http://127.0.0.1:9/uploads', retries: 1 });
      return window.track(client.upload('files', file));
    });
    expect(upload.error?.code).toBe('network_error');
    await page.close();
  });

  it('a hostile file name is declared and stored as text', async () => {
    const page = await open();
    const bytes = await page.choose(2000, '"><img src=x onerror=alert(1)>..%2f?acl&uploads#+%20 🚢.txt');
    const upload = await page.upload();
    await app().expectStored(upload, bytes);
    // The server replaces what Windows does not allow in file names.
    expect(upload.file?.fileName).toContain('_img src=x onerror=alert(1)_');
    await page.close();
  });
});
