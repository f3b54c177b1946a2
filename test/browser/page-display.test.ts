/** What was stored is displayed through its stable URL: real files, and the pixels on the screen. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture, hostileCopy, quadrants } from '../support/fixtures.ts';
import { forEachStore } from '../support/stores.ts';
import { expectQuadrants, type PageApp, startPageOn, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the page displays', (browser) => {
  forEachStore('what was stored', (store) => {
    let app: PageApp;
    beforeAll(async () => {
      app = await startPageOn(store.storage());
    });
    afterAll(() => app?.close());

    it.each(['camera.jpg', 'quadrants.png', 'quadrants.webp'] as const)(
      '%s: its pixels, the right way up',
      async (name) => {
        const { path, shown, bytes } = fixture(name);
        const { page, pick, stamped, problems, close } = await visit(browser(), app.url);
        await pick(path);
        const slip = await stamped(name, 'Received');
        const image = slip.locator('img');
        await image.scrollIntoViewIfNeeded();
        await expectQuadrants(image);
        expect(
          await image.evaluate((element: HTMLImageElement) => [element.naturalWidth, element.naturalHeight]),
        ).toEqual([shown?.width, shown?.height]);
        // Through the stable URL, on the server's origin, which leads to the store.
        const url = await image.getAttribute('src');
        expect(url).toMatch(new RegExp(`^${app.url}/files/`));
        const answer = await page.request.get(url ?? '', { maxRedirects: 0 });
        expect(answer.status()).toBe(302);
        expect(new URL(answer.headers().location ?? '').origin).toBe(store.endpoint);
        const followed = await page.request.get(url ?? '');
        expect(new Uint8Array(await followed.body())).toEqual(bytes);
        expect(problems).toEqual([]);
        await close();
      },
    );

    it('a video, which plays', async () => {
      const { pick, stamped, problems, close } = await visit(browser(), app.url);
      await pick(fixture('clip.mp4').path);
      const video = (await stamped('clip.mp4', 'Received')).locator('video');
      await video.evaluate(async (element: HTMLVideoElement) => {
        element.controls = false;
        element.muted = true;
        await element.play();
      });
      await expectQuadrants(video);
      expect(problems).toEqual([]);
      await close();
    });

    it('a sound, which plays', async () => {
      const { pick, stamped, problems, close } = await visit(browser(), app.url);
      await pick(fixture('tone.mp3').path);
      const sound = (await stamped('tone.mp3', 'Received')).locator('audio');
      const played = await sound.evaluate(async (element: HTMLAudioElement) => {
        element.muted = true;
        const ended = new Promise((resolve) => element.addEventListener('ended', resolve, { once: true }));
        await element.play();
        await ended;
        return element.currentTime;
      });
      expect(played).toBeGreaterThan(0.3);
      expect(problems).toEqual([]);
      await close();
    });

    it('a PDF, in the browser’s own viewer', async () => {
      const { pick, stamped, problems, close } = await visit(browser(), app.url);
      await pick(fixture('page.pdf').path);
      const frame = (await stamped('page.pdf', 'Received')).locator('iframe');
      await frame.scrollIntoViewIfNeeded();
      // The page fills the right of the viewer's dark ground; its own colours must be there, wherever it places them.
      await expect
        .poll(async () => countColours(await frame.screenshot(), frame.page()), { timeout: 20_000 })
        .toEqual({ topLeft: true, topRight: true, bottomLeft: true, bottomRight: true });
      expect(problems).toEqual([]);
      await close();
    });

    it('a kind that browsers cannot show as a card, with the bytes to download', async () => {
      for (const name of ['phone.heic', 'note.txt'] as const) {
        const { page, pick, stamped, problems, close } = await visit(browser(), app.url);
        await pick(fixture(name).path);
        const slip = await stamped(name, 'Received');
        await slip.locator('.card').waitFor();
        const download = page.waitForEvent('download');
        await slip.getByRole('link', { name: 'Download' }).click();
        const saved = await download;
        expect(saved.suggestedFilename()).toBe(name);
        expect(new Uint8Array(await readFile(await saved.path()))).toEqual(fixture(name).bytes);
        expect(problems).toEqual([]);
        await close();
      }
    });

    it('a hostile file name as text, and nothing of it runs or breaks out', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'waybill-hostile-'));
      const { page, pick, problems, close } = await visit(browser(), app.url);
      try {
        await pick(await hostileCopy(dir));
        const slip = page.locator('.consignment');
        await slip.locator('.stamp').getByText('Received').waitFor();
        await expectQuadrants(slip.locator('img'));
        const heading = await slip.getByRole('heading').textContent();
        expect(heading).toContain('"><img src=x onerror=alert(1)>');
        expect(heading).not.toContain('\u202E');
        expect(await slip.locator('img').count()).toBe(1);
        expect(await slip.locator('img').getAttribute('alt')).not.toContain('\u202E');
        await page.reload();
        await expectQuadrants(slip.locator('img'));
        expect(problems).toEqual([]);
      } finally {
        await close();
        await rm(dir, { recursive: true, force: true });
      }
    });
  });
});

/** Which of the fixtures' colours cover at least a hundredth of a screenshot. */
async function countColours(png: Buffer, page: Page) {
  const reader = await page.context().newPage();
  try {
    return await reader.evaluate(
      async ({ png, wanted }) => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context?.drawImage(bitmap, 0, 0);
        const data = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? new Uint8ClampedArray();
        const near = (at: number, colour: readonly number[]) =>
          [0, 1, 2].every((channel) => Math.abs((data[at + channel] ?? 0) - (colour[channel] ?? 0)) <= 24);
        return Object.fromEntries(
          Object.entries(wanted).map(([corner, colour]) => {
            let pixels = 0;
            for (let at = 0; at < data.length; at += 4) if (near(at, colour)) pixels += 1;
            return [corner, pixels * 100 > bitmap.width * bitmap.height];
          }),
        );
      },
      { png: png.toString('base64'), wanted: quadrants as Record<string, readonly number[]> },
    );
  } finally {
    await reader.close();
  }
}
