/**
 * Files that are refused: the page says why, shows nothing of the file and runs nothing of it. It warns before it
 * sends.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { forEachStore, pageStores } from '../support/stores.ts';
import { type PageApp, startPageOn, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the page refuses and warns', (browser) => {
  forEachStore(
    'with a storage',
    (store) => {
      let app: PageApp;
      beforeAll(async () => {
        app = await startPageOn(store.storage());
      });
      afterAll(() => app?.close());

      it.each([
        ['empty.txt', 'Files', 'Empty. There is nothing in this file.'],
        [
          'script.svg',
          'Files',
          'Wrong type of file. Files that a browser would run, such as web pages, are not accepted here.',
        ],
        [
          'lying.png',
          'Files',
          'Not what its name says. Its content is of another type than its name says, so it was not kept.',
        ],
        ['page.pdf', 'Photos', 'Wrong type of file. Only images are accepted here.'],
        ['script.svg', 'Photos', 'Wrong type of file. Only images are accepted here.'],
      ] as const)('%s sent with the service %s: "%s"', async (name, service, text) => {
        const { page, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        await page.getByRole('radio', { name: service }).check();
        await choose(fixture(name).path);
        const row = await waitForBadge(name, 'Refused');
        expect(await row.locator('.problem').textContent()).toBe(text);
        expect(await row.getByRole('button', { name: 'Try again' }).isVisible()).toBe(false);
        expect(await row.locator('img, iframe, video, audio').count()).toBe(0);
        await expect.poll(() => page.locator('#announcer').textContent()).toBe(`${name}: ${text}`);
        expect(problems).toEqual([]);
        await close();
      });

      it('a file whose content contradicts its name has a warning while it is sent', async () => {
        const { page, row, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        let release = () => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        await page.route('**/uploads/complete', async (route) => {
          await released;
          await route.continue();
        });
        await choose(fixture('lying.png').path);
        await waitForBadge('lying.png', 'Checking');
        expect(await row('lying.png').locator('.warning').textContent()).toBe(
          'Its name says PNG image, but its content looks like text. The server may refuse it.',
        );
        release();
        await waitForBadge('lying.png', 'Refused');
        expect(await row('lying.png').locator('.warning').isVisible()).toBe(false);
        expect(problems).toEqual([]);
        await close();
      });

      it('a photo above the limit, and names both sizes', async () => {
        const dir = await mkdtemp(join(tmpdir(), 'waybill-large-'));
        const { page, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        try {
          await writeFile(join(dir, 'large.png'), new Uint8Array(20_000_001));
          await page.getByRole('radio', { name: 'Photos' }).check();
          await choose(join(dir, 'large.png'));
          const row = await waitForBadge('large.png', 'Refused');
          expect(await row.locator('.problem').textContent()).toBe(
            'Too large. It has 20,000,001 bytes; at most 20,000,000 bytes are accepted here.',
          );
          expect(problems).toEqual([]);
        } finally {
          await close();
          await rm(dir, { recursive: true, force: true });
        }
      });

      it('a file that is an image and a script at once is never run', async () => {
        const { page, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
        await choose(fixture('polyglot.gif').path);
        const row = await waitForBadge('polyglot.gif', 'Received');
        const url = (await row.locator('.thumbnail .stored').getAttribute('src')) ?? '';
        // As a script it has the wrong type, and the content security policy does not allow its origin.
        await page.evaluate(
          (src) =>
            new Promise((resolve) => {
              const script = document.createElement('script');
              script.onload = script.onerror = resolve;
              script.src = src;
              document.head.append(script);
            }),
          url,
        );
        expect(await page.evaluate(() => 'polyglotRan' in globalThis)).toBe(false);
        expect(problems.filter((problem) => !/script/i.test(problem))).toEqual([]);
        await close();
      });

      it('a refused file does not affect the files beside it, and can be removed from the list', async () => {
        const { page, choose, waitForBadge, close } = await visit(browser(), app.url);
        await choose(fixture('lying.png').path, fixture('camera.jpg').path, fixture('empty.txt').path);
        await waitForBadge('camera.jpg', 'Received');
        await waitForBadge('lying.png', 'Refused');
        await waitForBadge('empty.txt', 'Refused');
        await page.getByRole('button', { name: 'Remove from list empty.txt' }).click();
        expect(await page.locator('.upload').count()).toBe(2);
        await page.getByRole('button', { name: 'Clear the list' }).click();
        await page.locator('#empty').waitFor();
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('choose');
        await close();
      });
    },
    { only: pageStores },
  );
});
