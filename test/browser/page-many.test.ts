/** A folder of 2,000 pictures: the page stays its reader's while they are on their way. */
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
 * A page that drew all lines, or counted them for each change, would stand still for seconds. On a quiet machine of two
 * cores the longest task is about 170 ms; this is for machines that do other things at the same time.
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

  it('is taken in, paused, gone on with after a reload and cancelled, and no task is long', async () => {
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
    await page.locator('#overall-pace').getByText('of 2,000 received').waitFor();
    // Only what can be seen is drawn.
    expect(await page.locator('.consignment').count()).toBe(pictures);
    expect(await page.locator('.consignment article').count()).toBeLessThan(200);

    await page.getByRole('button', { name: 'Pause all' }).click();
    await expect.poll(() => page.locator('#overall-pace').textContent()).toMatch(/[\d,]+\spaused$/);
    await page.getByRole('button', { name: 'Go on with all' }).click();
    // Far down the list there is a line as well, once somebody looks.
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight / 2));
    await expect
      .poll(() =>
        page.evaluate(
          () =>
            document
              .elementFromPoint(innerWidth / 2, innerHeight / 2)
              ?.closest('.consignment')
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
    expect(await page.locator('.consignment').count()).toBe(pictures);
    await expect.poll(received, { timeout: 80_000, interval: 500 }).toBeGreaterThan(before + 100);
    await page.getByRole('button', { name: 'Cancel all' }).click();
    await expect.poll(() => page.locator('#overall').isHidden(), { timeout: 20_000 }).toBe(true);
    tasks.push(...(await tasksSeen()));
    const longest = Math.max(0, ...tasks);
    console.info(`2,000 files: ${tasks.length} tasks over 50 ms, the longest ${longest} ms`);
    expect(longest).toBeLessThan(longestTaskMs);
    expect(problems).toEqual([]);
    await close();
  }, 150_000);
});
