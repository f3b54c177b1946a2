/**
 * Runs axe-core on every state of the page, in light and dark, on a phone and on a desktop, and uses the page with the
 * keyboard.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { isFullSize } from '../support/test-size.ts';
import {
  dropFiles,
  openDetails,
  openTab,
  type PageAppWithStore,
  startPageWithStore,
  type Visit,
  visit,
} from './page-app.ts';

afterAll(removeBuiltPage);

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const screens = {
  phone: { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1280, height: 900 } },
} as const;

/** Each screen and each colour scheme is there once. At full size, every state is seen in all four. */
const looks = [
  ['phone', 'light'],
  ['desktop', 'dark'],
] as const;
const otherLooks = [
  ['phone', 'dark'],
  ['desktop', 'light'],
] as const;

const slowly = { timeout: 60_000 };

describeBrowser('the page is accessible', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(() => app?.close());

  for (const [screen, colorScheme] of isFullSize ? [...otherLooks, ...looks] : looks)
    it(`axe reports nothing on a ${screen}, ${colorScheme}: empty, received, refused, sending, cancelled, interrupted`, async () => {
      const { page, row, choose, waitForBadge, problems, close } = await visit(browser(), app.url, {
        ...screens[screen],
        colorScheme,
      });
      await page.getByText('up to 20').waitFor();
      await expectClean(page);
      await expectFits(page);

      await choose(
        fixture('camera.jpg').path,
        fixture('note.txt').path,
        fixture('tone.mp3').path,
        fixture('lying.png').path,
      );
      for (const name of ['camera.jpg', 'note.txt', 'tone.mp3'])
        await (await openDetails(await waitForBadge(name, 'Received'))).locator('figcaption').waitFor();
      await waitForBadge('lying.png', 'Refused');
      app.store.setFaults({ when: ({ method }) => method === 'PUT' || method === 'POST', delayMs: 600_000 });
      await choose(fixture('quadrants.png').path, fixture('quadrants.webp').path);
      await waitForBadge('quadrants.png', 'On its way');
      await row('quadrants.webp').getByRole('button', { name: 'Cancel' }).click();
      await waitForBadge('quadrants.webp', 'Cancelled');
      await expectClean(page);
      await expectFits(page);

      await page.reload();
      await waitForBadge('quadrants.png', 'Interrupted');
      await expectClean(page);
      expect(problems).toEqual([]);
      await close();
    });

  for (const [screen, colorScheme] of otherLooks)
    it(`axe reports nothing on a ${screen}, ${colorScheme}: a folder, paused, left by an earlier page, in another tab`, async () => {
      const dir = await mkdtemp(join(tmpdir(), 'waybill-axe-'));
      const path = join(dir, 'scan.bin');
      await writeFile(path, Buffer.alloc(17_000_000, 1));
      await mkdir(join(dir, 'folder'));
      for (let n = 0; n < 15; n++) await copyFile(fixture('quadrants.png').path, join(dir, `folder/${n}.png`));
      await copyFile(fixture('lying.png').path, join(dir, 'folder/lying.png'));
      const seen = await visit(browser(), app.url, { ...screens[screen], colorScheme });
      try {
        await dropFiles(seen.page, [join(dir, 'folder')]);
        await expect.poll(() => seen.page.locator('.status-badge').getByText('Received').count(), slowly).toBe(15);
        await seen.waitForBadge('lying.png', 'Refused');
        await expectClean(seen.page);
        app.store.setFaults({ when: ({ query }) => query.includes('partNumber'), delayMs: 600_000 });
        await seen.choose(path, path);
        await expect.poll(() => seen.page.locator('.status-badge').getByText('On its way').count(), slowly).toBe(2);
        await expectClean(seen.page);
        const other = await openTab(seen, app.url);
        await other.waitForBadge('scan.bin', 'In another tab');
        await expectClean(other.page);
        await other.page.close();
        await seen.page.getByRole('button', { name: 'Pause all' }).click();
        await expect.poll(() => seen.page.locator('.status-badge').getByText('Paused').count(), slowly).toBe(2);
        await expectClean(seen.page);
        await expectFits(seen.page);
        await seen.page.reload();
        await seen.page.getByText('Not finished').first().waitFor();
        await expectClean(seen.page);
        await expectFits(seen.page);
        expect(seen.problems).toEqual([]);
      } finally {
        await seen.close();
        await rm(dir, { recursive: true, force: true });
      }
    });

  it('every control can be reached with the keyboard and shows its focus', async () => {
    const { page, choose, waitForBadge, close } = await visit(browser(), app.url);
    await choose(fixture('camera.jpg').path);
    await waitForBadge('camera.jpg', 'Received');
    const wanted = [
      'files',
      'Choose files',
      'Choose a folder',
      'Clear the list',
      'Open camera.jpg',
      'Download camera.jpg',
      'Details camera.jpg',
      'Remove from list camera.jpg',
    ];
    const reached: string[] = [];
    for (let tabs = 0; tabs < wanted.length; tabs += 1) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const name = element instanceof HTMLInputElement ? element.value : (element.textContent ?? '');
        return { name, ring: outlineStyle === 'solid' && Number.parseFloat(outlineWidth) >= 2 };
      });
      reached.push(focus.name);
      expect(focus.ring, focus.name).toBe(true);
    }
    expect(reached).toEqual(wanted);
    await close();
  });
});

async function expectClean(page: Visit['page']): Promise<void> {
  await page.evaluate(await axe);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(options: unknown): Promise<AxeResults> } }).axe.run({
      // The browser's own PDF viewer is not part of the page.
      iframes: false,
    }),
  );
  // An empty page would have no violations either, so the rules that passed are counted as well.
  expect(results.passes.length).toBeGreaterThan(15);
  expect(
    results.violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    ),
  ).toEqual([]);
}

/** Expects that the page does not scroll sideways. */
async function expectFits(page: Visit['page']): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(
    0,
  );
}
