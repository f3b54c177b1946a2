/** Shows stored files through their stable URLs. The pixels are read from the screen. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture, hostileCopy, quadrants } from '../support/fixtures.ts';
import { forEachStore, pageStores } from '../support/stores.ts';
import { expectQuadrants, openDetails, type PageApp, startPageOn, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the page displays', (browser) => {
  forEachStore(
    'stored files',
    (store) => {
      let app: PageApp;
      beforeAll(async () => {
        app = await startPageOn(store.storage());
      });
      afterAll(() => app?.close());

      it.each(['camera.jpg', 'quadrants.png', 'quadrants.webp'] as const)(
        '%s: upright, as a thumbnail and in its details',
        async (name) => {
          const { path, shown, bytes } = fixture(name);
          const { page, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
          await choose(path);
          const row = await waitForBadge(name, 'Received');
          await expectQuadrants(row.locator('.thumbnail .stored'));
          const image = (await openDetails(row)).locator('img');
          await image.scrollIntoViewIfNeeded();
          await expectQuadrants(image);
          expect(
            await image.evaluate((element: HTMLImageElement) => [element.naturalWidth, element.naturalHeight]),
          ).toEqual([shown?.width, shown?.height]);
          // The stable URL is on the server's origin and redirects to the storage.
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

      it('a video, and plays it', async () => {
        const { choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        await choose(fixture('clip.mp4').path);
        const video = (await openDetails(await waitForBadge('clip.mp4', 'Received'))).locator('video');
        await video.evaluate(async (element: HTMLVideoElement) => {
          element.controls = false;
          element.muted = true;
          await element.play();
        });
        await expectQuadrants(video);
        expect(problems).toEqual([]);
        await close();
      });

      it('a sound file, and plays it', async () => {
        const { choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        await choose(fixture('tone.mp3').path);
        const sound = (await openDetails(await waitForBadge('tone.mp3', 'Received'))).locator('audio');
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

      it('a PDF in the viewer of the browser', async () => {
        const { choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        await choose(fixture('page.pdf').path);
        const frame = (await openDetails(await waitForBadge('page.pdf', 'Received'))).locator('iframe');
        await frame.scrollIntoViewIfNeeded();
        // The viewer decides where it places the page, so only the colours are checked.
        await expect
          .poll(async () => countColours(await frame.screenshot(), frame.page()))
          .toEqual({ topLeft: true, topRight: true, bottomLeft: true, bottomRight: true });
        expect(problems).toEqual([]);
        await close();
      });

      it('a card and a download for a file that browsers cannot show', async () => {
        for (const name of ['phone.heic', 'note.txt'] as const) {
          const { page, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
          await choose(fixture(name).path);
          const row = await waitForBadge(name, 'Received');
          await (await openDetails(row)).locator('.card').waitFor();
          const download = page.waitForEvent('download');
          await row.getByRole('link', { name: 'Download' }).click();
          const saved = await download;
          expect(saved.suggestedFilename()).toBe(name);
          expect(new Uint8Array(await readFile(await saved.path()))).toEqual(fixture(name).bytes);
          expect(problems).toEqual([]);
          await close();
        }
      });

      it('a hostile file name as text, and runs nothing of it', async () => {
        const dir = await mkdtemp(join(tmpdir(), 'waybill-hostile-'));
        const { page, choose, problems, close } = await visit(browser(), app.url);
        try {
          await choose(await hostileCopy(dir));
          const row = page.locator('.upload');
          await row.locator('.status-badge').getByText('Received').waitFor();
          await expectQuadrants(row.locator('.thumbnail .stored'));
          const heading = await row.getByRole('heading').textContent();
          expect(heading).toContain('"><img src=x onerror=alert(1)>');
          expect(heading).not.toContain('\u202E');
          const image = (await openDetails(row)).locator('img');
          expect(await image.count()).toBe(1);
          expect(await image.getAttribute('alt')).not.toContain('\u202E');
          await page.reload();
          await expectQuadrants(row.locator('.thumbnail .stored'));
          expect(problems).toEqual([]);
        } finally {
          await close();
          await rm(dir, { recursive: true, force: true });
        }
      });
    },
    { only: pageStores },
  );
});

/** For each colour of the fixtures, whether it covers at least a hundredth of a screenshot. */
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
