/** A folder of 2,000 pictures: the page responds while they are sent. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { dropFiles, type PageAppWithStore, startPageWithStore, visit } from './page-app.ts';

afterAll(removeBuiltPage);

const pictures = 2000;
/**
 * A page that drew all rows, or counted them at each change, would not respond for seconds. On an idle machine with two
 * cores the longest task takes about 170 ms; the limit allows for other work on the machine.
 */
const longestTaskMs = 1000;

describeBrowser('a folder of 2,000', (browser) => {
  let app: PageAppWithStore;
  let parent: string;
  let folder: string;
  beforeAll(async () => {
    app = await startPageWithStore();
    parent = await mkdtemp(join(tmpdir(), 'waybill-many-'));
    folder = join(parent, 'holiday');
    await mkdir(folder);
    for (let n = 1; n <= pictures; n++)
      await copyFile(fixture('quadrants.png').path, join(folder, `${String(n).padStart(4, '0')}.png`));
  });
  afterAll(async () => {
    await app?.close();
    if (parent) await rm(parent, { recursive: true, force: true });
  });

  it('is added, paused, resumed after a reload and cancelled, without a long task', async () => {
    const { page, problems, close } = await visit(browser(), app.url);
    const watchTasks = () => {
      const tasks: number[] = [];
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) tasks.push(duration);
      }).observe({ type: 'longtask' });
      Object.assign(globalThis, { tasks });
    };
    const tasksSeen = () => page.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks);
    await page.evaluate(watchTasks);
    await page.addInitScript(watchTasks);
    await dropFiles(page, [folder]);
    await page.locator('#total-pace').getByText('of 2,000 received').waitFor();
    // Only rows near the window are built.
    expect(await page.locator('#list > li').count()).toBe(pictures);
    expect(await page.locator('.upload').count()).toBeLessThan(200);

    await page.getByRole('button', { name: 'Pause all' }).click();
    await expect.poll(() => page.locator('#total-pace').textContent()).toMatch(/[\d,]+\spaused$/);
    await page.getByRole('button', { name: 'Resume all' }).click();
    // A row far down the list is built when it comes near the window.
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight / 2));
    await expect
      .poll(() =>
        page.evaluate(
          () =>
            document
              .elementFromPoint((innerWidth * 2) / 3, innerHeight / 2)
              ?.closest('.upload')
              ?.querySelector('h3')?.textContent,
        ),
      )
      .toMatch(/^\d{4}\.png$/);
    const received = async () => Number.parseInt((await page.locator('#tally').textContent()) ?? '', 10);
    await expect.poll(received, { timeout: 80_000, interval: 500 }).toBeGreaterThan(400);
    const tasks = await tasksSeen();
    await page.reload();
    await page.locator('#notice').getByText('files were interrupted').waitFor();
    await expect.poll(received).toBeGreaterThan(400);
    const before = await received();
    await dropFiles(page, [folder]);
    await page.locator('#notice').getByText(`${before} of these files have been received already`).waitFor();
    expect(await page.locator('#list > li').count()).toBe(pictures);
    await expect.poll(received, { timeout: 80_000, interval: 500 }).toBeGreaterThan(before + 100);
    await page.getByRole('button', { name: 'Cancel all' }).click();
    await expect.poll(() => page.locator('#total-progress').isHidden(), { timeout: 20_000 }).toBe(true);
    tasks.push(...(await tasksSeen()));
    const longest = Math.max(0, ...tasks);
    console.info(`2,000 files: ${tasks.length} tasks over 50 ms, the longest ${longest} ms`);
    expect(longest).toBeLessThan(longestTaskMs);
    expect(problems).toEqual([]);
    await close();
  }, 150_000);
});
