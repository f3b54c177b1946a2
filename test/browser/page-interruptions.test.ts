/** Uploads that are interrupted: cancelled, failed and tried again, without a network, reloaded. */
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { StoreFaultRequest } from '../../src/devstore/index.ts';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { expectQuadrants, openDetails, type PageAppWithStore, startPageWithStore, visit } from './page-app.ts';

afterAll(removeBuiltPage);

const sending = ({ method }: StoreFaultRequest) => method === 'PUT' || method === 'POST';
/** Longer than any test: a request waits until the test removes the fault. */
const hold = { when: sending, delayMs: 600_000 };

describeBrowser('on the page', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(() => app?.close());

  it('Cancel stops an upload, and Try again sends it', async () => {
    const { row, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
    app.store.setFaults(hold);
    await choose(fixture('camera.jpg').path);
    await waitForBadge('camera.jpg', 'On its way');
    await row('camera.jpg').getByRole('button', { name: 'Cancel' }).click();
    await waitForBadge('camera.jpg', 'Cancelled');
    expect(await row('camera.jpg').getByRole('progressbar').isVisible()).toBe(false);
    app.store.setFaults(undefined);
    await row('camera.jpg').getByRole('button', { name: 'Try again' }).click();
    await expectQuadrants((await waitForBadge('camera.jpg', 'Received')).locator('.thumbnail .stored'));
    expect(problems).toEqual([]);
    await close();
  });

  it('the thumbnail shows the picture on disk before the file has arrived', async () => {
    const { row, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
    app.store.setFaults(hold);
    await choose(fixture('camera.jpg').path, fixture('polyglot.gif').path);
    await waitForBadge('camera.jpg', 'On its way');
    // The other picture has 10,799 by 1 pixels. Scaled to the height of a thumbnail it would have 350 million.
    await expectQuadrants(row('camera.jpg').locator('.thumbnail .local'));
    app.store.setFaults(undefined);
    await row('camera.jpg').getByRole('button', { name: 'Cancel' }).click();
    expect(problems).toEqual([]);
    await close();
  });

  it('an upload continues by itself when the storage fails for a while', async () => {
    const { choose, waitForBadge, problems, close } = await visit(browser(), app.url);
    let failures = 2;
    app.store.setFaults({ when: (request) => sending(request) && failures-- > 0, slowDown: {} });
    await choose(fixture('camera.jpg').path);
    await waitForBadge('camera.jpg', 'Received');
    expect(failures).toBeLessThan(0);
    expect(problems).toEqual([]);
    await close();
  });

  it('an upload that failed says why, and Try again sends it', async () => {
    const { row, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
    app.store.setFaults({ when: sending, expire: true });
    await choose(fixture('camera.jpg').path);
    await waitForBadge('camera.jpg', 'Held up');
    expect(await row('camera.jpg').locator('.problem').textContent()).toMatch(/^.{5,}[.] .{20,}[.]$/);
    app.store.setFaults(undefined);
    await row('camera.jpg').getByRole('button', { name: 'Try again' }).click();
    await waitForBadge('camera.jpg', 'Received');
    expect(problems).toEqual([]);
    await close();
  });

  it('an upload waits without a network, and continues by itself', async () => {
    const { page, row, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
    // The page loads the limits of the route once, while there is a network.
    await page.getByText('up to 20').waitFor();
    await page.context().setOffline(true);
    await choose(fixture('camera.jpg').path);
    await waitForBadge('camera.jpg', 'No network');
    expect(await row('camera.jpg').locator('.pace').textContent()).toContain('continues by itself');
    await page.context().setOffline(false);
    await waitForBadge('camera.jpg', 'Received');
    expect(problems).toEqual([]);
    await close();
  });

  it('progress shows bytes, speed and time left, for screen readers as well', async () => {
    const { page, row, waitForBadge, problems, close } = await visit(browser(), app.url);
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    const throttle = (uploadThroughput: number) =>
      session.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput,
      });
    await throttle(400_000);
    await page.setInputFiles('#picker', { name: 'survey.bin', mimeType: '', buffer: Buffer.alloc(3_000_000, 7) });
    const bar = row('survey.bin').getByRole('progressbar', { name: 'survey.bin' });
    await expect
      .poll(() => bar.getAttribute('aria-valuetext'))
      .toMatch(/^[\d.]+\s[kM]B\sof\s3\sMB · [\d.]+\s[kM]B\/s · \d+\ss\sleft$/);
    const now = Number(await bar.getAttribute('aria-valuenow'));
    expect(now).toBeGreaterThan(0);
    expect(now).toBeLessThan(100);
    expect(await page.title()).toBe('(1) Waybill');
    await throttle(-1);
    await waitForBadge('survey.bin', 'Received');
    expect(await page.title()).toBe('Waybill');
    expect(problems).toEqual([]);
    await close();
  });

  it('a reload keeps received files, and shows the others as interrupted until the file is chosen again', async () => {
    const { page, row, choose, waitForBadge, problems, close } = await visit(browser(), app.url);
    await choose(fixture('quadrants.png').path);
    const captionOf = async (found: Locator) => (await openDetails(found)).locator('figcaption').textContent();
    const before = await captionOf(await waitForBadge('quadrants.png', 'Received'));
    await choose(fixture('empty.txt').path);
    await waitForBadge('empty.txt', 'Refused');
    app.store.setFaults(hold);
    await choose(fixture('camera.jpg').path);
    await waitForBadge('camera.jpg', 'On its way');

    await page.reload();
    await expectQuadrants((await waitForBadge('quadrants.png', 'Received')).locator('.thumbnail .stored'));
    expect(await captionOf(row('quadrants.png'))).toBe(before);
    await waitForBadge('empty.txt', 'Refused');
    await waitForBadge('camera.jpg', 'Interrupted');
    expect(await page.locator('.upload h3').allTextContents()).toEqual(['camera.jpg', 'empty.txt', 'quadrants.png']);

    app.store.setFaults(undefined);
    const chooseAgain = async (path: string) => {
      const chooser = page.waitForEvent('filechooser');
      await row('camera.jpg').getByRole('button', { name: 'Choose it again' }).click();
      await (await chooser).setFiles(path);
    };
    await chooseAgain(fixture('note.txt').path);
    await page.getByText('That is another file').first().waitFor();
    await waitForBadge('note.txt', 'Received');
    await waitForBadge('camera.jpg', 'Interrupted');
    await chooseAgain(fixture('camera.jpg').path);
    await expectQuadrants((await waitForBadge('camera.jpg', 'Received')).locator('.thumbnail .stored'));
    expect(await page.locator('.upload').count()).toBe(4);
    expect(problems).toEqual([]);
    await close();
  });
});
