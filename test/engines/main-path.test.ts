/**
 * The main path in every browser engine: grant, form, PUT, parts, resume after a reload, refusal by CORS, display. The
 * page, the server of the app and the storage are three origins.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import { forEachEngine } from '../support/engines.ts';
import { fixture } from '../support/fixtures.ts';
import { findWrongCorners } from './colours.ts';
import {
  acceptedPuts,
  holdPartsAfterTwo,
  isPart,
  openUploadPage,
  startUpload,
  sum,
  useUploadApp,
} from './upload-app.ts';

forEachEngine('the main path', { main: true }, ({ engine }) => {
  const app = useUploadApp();

  it('upload() stores a small file by a form, without a preflight', async () => {
    const page = await openUploadPage(engine(), app());
    const bytes = await page.choose(200_000, 'form.txt');
    const upload = await page.upload();
    expect(upload).toMatchObject({ transfer: 'form', loaded: bytes.length, data: { stored: bytes.length } });
    await app().expectStored(upload, bytes);
    expect(app().seen.map(({ method }) => method)).not.toContain('OPTIONS');
    await page.close();
  });

  it('upload() stores a file by PUT', async () => {
    const page = await openUploadPage(engine(), app());
    const bytes = await page.choose(3_000_000, 'put.txt');
    const upload = await page.upload();
    expect(upload).toMatchObject({ transfer: 'put', loaded: bytes.length });
    await app().expectStored(upload, bytes);
    await page.close();
  });

  it('upload() stores a large file in parts and reports progress', async () => {
    const page = await openUploadPage(engine(), app());
    const bytes = await page.choose(32 * MiB, 'parts.txt');
    // Snapshots are taken a few times a second, so each part has to take longer than that.
    app().devstore.setFaults({ when: isPart, delayMs: 400 });
    const upload = await page.upload({ concurrency: 1 });
    expect(upload).toMatchObject({ transfer: 'multipart', loaded: bytes.length, total: bytes.length });
    await app().expectStored(upload, bytes);
    const loaded = upload.snapshots.map((snapshot) => snapshot.loaded);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(loaded.filter((sum) => sum > 0 && sum < bytes.length).length).toBeGreaterThan(1);
    await page.close();
  });

  it('upload() after a reload sends only what is missing of the file that is chosen again', async () => {
    const page = await openUploadPage(engine(), app());
    const bytes = await page.choose(32 * MiB, 'reload.txt');
    const before = await sendTwoParts(page);
    await page.openAgain();
    app().devstore.setFaults(undefined);
    app().seen.length = 0;
    const found = await page.evaluate(async (endpoint) => {
      const unfinished = await window.waybill.createClient({ endpoint }).resumable();
      return unfinished.map(({ fileName, size, needsFile }) => ({ fileName, size, needsFile }));
    }, app().page.endpoint);
    expect(found).toEqual([{ fileName: 'reload.txt', size: bytes.length, needsFile: true }]);
    await page.setFiles('input', join(app().dir, 'reload.txt'));
    const upload = await page.upload();
    await app().expectStored(upload, bytes);
    expect(before).toBeGreaterThan(0);
    expect(sum(acceptedPuts(app()))).toBe(bytes.length - before);
    await page.close();
  });

  /** Starts the upload of the chosen file, waits until two parts have arrived, and returns their bytes. */
  async function sendTwoParts(page: Awaited<ReturnType<typeof openUploadPage>>): Promise<number> {
    holdPartsAfterTwo(app());
    await startUpload(page, app(), { concurrency: 1 });
    await expect.poll(() => acceptedPuts(app()).length).toBe(2);
    return sum(acceptedPuts(app()));
  }

  it('upload() fails with cors_blocked and a remedy when the storage has no CORS rules', async () => {
    await app().allowPages(false);
    const page = await openUploadPage(engine(), app());
    await page.choose(2_000_000, 'blocked.txt');
    const { status, error } = await page.upload();
    expect(status).toBe('failed');
    expect(error).toMatchObject({ code: 'cors_blocked', details: { origin: app().page.url, method: 'PUT' } });
    expect(error?.details?.hint).toContain('if-none-match');
    await page.close();
  });

  it.each(['camera.jpg', 'quadrants.png', 'quadrants.webp'] as const)(
    'the stored file %s is shown upright',
    async (name) => {
      const page = await openUploadPage(engine(), app());
      const { path, shown } = fixture(name);
      await page.setFiles('input', path);
      const { file, status } = await page.upload();
      expect(status).toBe('done');
      const size = await page.evaluate(async (url) => {
        const image = new Image();
        image.src = url;
        image.style.cssText = 'position: fixed; left: 0; top: 0; z-index: 1';
        document.body.append(image);
        await image.decode();
        return { width: image.naturalWidth, height: image.naturalHeight };
      }, file?.url ?? '');
      expect(size).toEqual(shown);
      await expect.poll(() => findWrongCorners(page, { x: 0, y: 0, ...size })).toEqual([]);
      await page.close();
    },
  );
});
