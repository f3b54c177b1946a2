/** Trouble on the way: cancelling, trying again, no network, a reload in the middle. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { StoreFaultRequest } from '../../src/devstore/index.ts';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { expectQuadrants, type PageAppWithStore, startPageWithStore, visit } from './page-app.ts';

afterAll(removeBuiltPage);

const sending = ({ method }: StoreFaultRequest) => method === 'PUT' || method === 'POST';
/** Longer than any test: what waits for it is held until the weather is over. */
const held = { when: sending, delayMs: 600_000 };

describeBrowser('on the page', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(() => app?.close());

  it('cancel stops an upload, and trying again sends it after all', async () => {
    const { slip, pick, stamped, problems, close } = await visit(browser(), app.url);
    app.store.setFaults(held);
    await pick(fixture('camera.jpg').path);
    await stamped('camera.jpg', 'On its way');
    await slip('camera.jpg').getByRole('button', { name: 'Cancel' }).click();
    await stamped('camera.jpg', 'Cancelled');
    expect(await slip('camera.jpg').getByRole('progressbar').isVisible()).toBe(false);
    app.store.setFaults(undefined);
    await slip('camera.jpg').getByRole('button', { name: 'Try again' }).click();
    await expectQuadrants((await stamped('camera.jpg', 'Received')).locator('img'));
    expect(problems).toEqual([]);
    await close();
  });

  it('a store that breaks down and comes back is waited for, without anybody doing anything', async () => {
    const { pick, stamped, problems, close } = await visit(browser(), app.url);
    let failures = 2;
    app.store.setFaults({ when: (request) => sending(request) && failures-- > 0, slowDown: {} });
    await pick(fixture('camera.jpg').path);
    await stamped('camera.jpg', 'Received');
    expect(failures).toBeLessThan(0);
    expect(problems).toEqual([]);
    await close();
  });

  it('what was held up for good says so, and trying again sends it', async () => {
    const { slip, pick, stamped, problems, close } = await visit(browser(), app.url);
    app.store.setFaults({ when: sending, expire: true });
    await pick(fixture('camera.jpg').path);
    await stamped('camera.jpg', 'Held up');
    expect(await slip('camera.jpg').locator('.verdict').textContent()).toMatch(/^.{5,}[.] .{20,}[.]$/);
    app.store.setFaults(undefined);
    await slip('camera.jpg').getByRole('button', { name: 'Try again' }).click();
    await stamped('camera.jpg', 'Received');
    expect(problems).toEqual([]);
    await close();
  });

  it('without a network it waits, and goes on by itself', async () => {
    const { page, slip, pick, stamped, problems, close } = await visit(browser(), app.url);
    // The route's limits are asked for once, while there is a network.
    await page.getByText('up to 20').waitFor();
    await page.context().setOffline(true);
    await pick(fixture('camera.jpg').path);
    await stamped('camera.jpg', 'No network');
    expect(await slip('camera.jpg').locator('.pace').textContent()).toContain('goes on by itself');
    await page.context().setOffline(false);
    await stamped('camera.jpg', 'Received');
    expect(problems).toEqual([]);
    await close();
  });

  it('progress is told in bytes, speed and time left, to the eye and to a screen reader', async () => {
    const { page, slip, stamped, problems, close } = await visit(browser(), app.url);
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
    const bar = slip('survey.bin').getByRole('progressbar', { name: 'survey.bin' });
    await expect
      .poll(() => bar.getAttribute('aria-valuetext'), { timeout: 30_000 })
      .toMatch(/^[\d.]+\s[kM]B\sof\s3\sMB · [\d.]+\s[kM]B\/s · \d+\ss\sleft$/);
    const now = Number(await bar.getAttribute('aria-valuenow'));
    expect(now).toBeGreaterThan(0);
    expect(now).toBeLessThan(100);
    expect(await page.title()).toBe('(1) Waybill');
    await throttle(-1);
    await stamped('survey.bin', 'Received');
    expect(await page.title()).toBe('Waybill');
    expect(problems).toEqual([]);
    await close();
  });

  it('a reload keeps what was received, and calls the rest interrupted until the file is picked again', async () => {
    const { page, slip, pick, stamped, problems, close } = await visit(browser(), app.url);
    await pick(fixture('quadrants.png').path);
    await (await stamped('quadrants.png', 'Received')).locator('figcaption').waitFor();
    const before = await slip('quadrants.png').locator('figcaption').textContent();
    await pick(fixture('empty.txt').path);
    await stamped('empty.txt', 'Refused');
    app.store.setFaults(held);
    await pick(fixture('camera.jpg').path);
    await stamped('camera.jpg', 'On its way');

    await page.reload();
    await expectQuadrants((await stamped('quadrants.png', 'Received')).locator('img'));
    expect(await slip('quadrants.png').locator('figcaption').textContent()).toBe(before);
    await stamped('empty.txt', 'Refused');
    await stamped('camera.jpg', 'Interrupted');
    expect(await page.locator('.number').allTextContents()).toEqual(['003', '002', '001']);

    app.store.setFaults(undefined);
    const pickAgain = async (path: string) => {
      const chooser = page.waitForEvent('filechooser');
      await slip('camera.jpg').getByRole('button', { name: 'Pick it again' }).click();
      await (await chooser).setFiles(path);
    };
    await pickAgain(fixture('note.txt').path);
    await page.getByText('That is another file').first().waitFor();
    await stamped('note.txt', 'Received');
    await stamped('camera.jpg', 'Interrupted');
    await pickAgain(fixture('camera.jpg').path);
    await expectQuadrants((await stamped('camera.jpg', 'Received')).locator('img'));
    expect(await page.locator('.consignment').count()).toBe(4);
    expect(problems).toEqual([]);
    await close();
  });
});
