/** Runs axe-core on the web component with files in several states: on a phone, on a desktop, and in Arabic. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { type ElementApp, type ElementVisit, startElementApp, visitElement } from './element-page.ts';

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const looks = [
  { title: 'on a phone, light', width: 360, colorScheme: 'light', dir: 'ltr', lang: 'en', pause: 'Pause' },
  { title: 'on a desktop, dark', width: 1440, colorScheme: 'dark', dir: 'ltr', lang: 'en', pause: 'Pause' },
  {
    title: 'in Arabic, on a phone, dark',
    width: 360,
    colorScheme: 'dark',
    dir: 'rtl',
    lang: 'ar',
    pause: 'إيقاف مؤقت',
  },
] as const;

describeBrowser('the web component is accessible', (browser) => {
  let app: ElementApp;
  beforeAll(async () => {
    app = await startElementApp();
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(() => app?.close());

  for (const { title, width, colorScheme, dir, lang, pause } of looks)
    it(`axe reports nothing ${title}: empty, uploaded, refused, uploading, paused`, async () => {
      const seen = await visitElement(
        browser(),
        app.url,
        `<h1>Files</h1><div lang="${lang}" dir="${dir}">
        <waybill-dropzone route="photos" folders camera="environment" reorder></waybill-dropzone></div>`,
        { viewport: { width, height: 740 }, colorScheme, ...(width === 360 ? { hasTouch: true, isMobile: true } : {}) },
      );
      try {
        await seen.dropzone.getByText('PDF').waitFor();
        await expectClean(seen);

        await seen.choose(fixture('camera.jpg').path, fixture('note.txt').path);
        await waitForState(seen, 'camera.jpg', 'done');
        await waitForState(seen, 'note.txt', 'failed');
        app.store.setFaults({ when: ({ method }) => method === 'PUT' || method === 'POST', delayMs: 600_000 });
        await seen.choose(fixture('quadrants.png').path, fixture('quadrants.webp').path);
        await waitForState(seen, 'quadrants.png', 'uploading');
        await waitForState(seen, 'quadrants.webp', 'uploading');
        await seen.row('quadrants.webp').getByRole('button', { name: pause }).click();
        await waitForState(seen, 'quadrants.webp', 'paused');
        await expectClean(seen);
        await expectMirrored(seen, dir);
      } finally {
        await seen.close();
      }
    });
});

const waitForState = (seen: ElementVisit, fileName: string, state: string) =>
  seen.dropzone.locator(`.row[data-state=${state}]`).filter({ hasText: fileName }).waitFor();

/** axe reports nothing, and the page is not wider than the screen. */
async function expectClean({ page }: ElementVisit): Promise<void> {
  await page.evaluate(await axe);
  const found = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run().then(({ passes, violations }) => ({
      passed: passes.map(({ id }) => id),
      violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`),
    })),
  );
  // axe has looked into the shadow tree, and has compared colours.
  expect(found.passed).toEqual(expect.arrayContaining(['button-name', 'color-contrast']));
  expect(found.violations).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}

/** The name of a file begins beside its picture, and the picture is at the side where the language begins. */
async function expectMirrored({ row }: ElementVisit, dir: 'ltr' | 'rtl'): Promise<void> {
  const boxes = await row('camera.jpg').evaluate((element) => {
    const sides = (selector: string) => {
      const { left, right } = (element.querySelector(selector) as HTMLElement).getBoundingClientRect();
      return { left, right };
    };
    return { picture: sides('.thumbnail'), name: sides('bdi'), actions: sides('.actions') };
  });
  const { picture, name, actions } = boxes;
  const gap = dir === 'ltr' ? name.left - picture.right : picture.left - name.right;
  expect(gap).toBeGreaterThan(0);
  expect(gap).toBeLessThan(20);
  expect(actions.left > picture.left).toBe(dir === 'ltr');
}
