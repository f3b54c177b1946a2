/** What does not go through: each refusal in words, none of it kept, and nothing of it run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { forEachStore } from '../support/stores.ts';
import { type PageApp, startPageOn, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the page refuses', (browser) => {
  forEachStore('by', (store) => {
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
        'Wrong kind of file. Files that a browser would run, such as web pages, are not taken here.',
      ],
      [
        'lying.png',
        'Files',
        'Not what it says it is. Its content is of another kind than its name claims, so it was not kept.',
      ],
      ['page.pdf', 'Photos', 'Wrong kind of file. Only images are taken here.'],
      ['script.svg', 'Photos', 'Wrong kind of file. Only images are taken here.'],
    ] as const)('%s sent by %s: "%s"', async (name, service, words) => {
      const { page, pick, stamped, problems, close } = await visit(browser(), app.url);
      await page.getByRole('radio', { name: service }).check();
      await pick(fixture(name).path);
      const slip = await stamped(name, 'Refused');
      expect(await slip.locator('.verdict').textContent()).toBe(words);
      expect(await slip.getByRole('button', { name: 'Try again' }).isVisible()).toBe(false);
      expect(await slip.locator('img, iframe, video, audio').count()).toBe(0);
      await expect.poll(() => page.locator('#announcer').textContent()).toBe(`${name}: ${words}`);
      expect(problems).toEqual([]);
      await close();
    });

    it('a photo above the limit, naming both sizes, without reading it', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'waybill-large-'));
      const { page, pick, stamped, problems, close } = await visit(browser(), app.url);
      try {
        await writeFile(join(dir, 'large.png'), new Uint8Array(20_000_001));
        await page.getByRole('radio', { name: 'Photos' }).check();
        await pick(join(dir, 'large.png'));
        const slip = await stamped('large.png', 'Refused');
        expect(await slip.locator('.verdict').textContent()).toBe(
          'Too large. It has 20,000,001 bytes; at most 20,000,000 bytes are taken here.',
        );
        expect(problems).toEqual([]);
      } finally {
        await close();
        await rm(dir, { recursive: true, force: true });
      }
    });

    it('nothing of a file that is an image and a script at once is run', async () => {
      const { page, pick, stamped, problems, close } = await visit(browser(), app.url);
      await pick(fixture('polyglot.gif').path);
      const slip = await stamped('polyglot.gif', 'Received');
      const url = (await slip.locator('img').getAttribute('src')) ?? '';
      // Even when somebody tries: as a script its type does not fit, and the page's policy does not know its origin.
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

    it('a refusal beside files that are received leaves them alone', async () => {
      const { page, pick, stamped, close } = await visit(browser(), app.url);
      await pick(fixture('lying.png').path, fixture('camera.jpg').path, fixture('empty.txt').path);
      await stamped('camera.jpg', 'Received');
      await stamped('lying.png', 'Refused');
      await stamped('empty.txt', 'Refused');
      await page.getByRole('button', { name: 'Take off the list empty.txt' }).click();
      expect(await page.locator('.consignment').count()).toBe(2);
      await page.getByRole('button', { name: 'Clear the list' }).click();
      await page.locator('#none').waitFor();
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('choose');
      await close();
    });
  });
});
