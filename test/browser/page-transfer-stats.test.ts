/** The transfer statistics of an upload are measured: they also show file bytes that reach the server. */
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { openDetails, type PageAppWithStore, startPageWithStore, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the transfer statistics', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(() => app?.close());

  it('count every byte at the storage and no file byte at the server, for a small and a large file', async () => {
    const { page, waitForBadge, problems, close } = await visit(browser(), app.url);
    const counted = [];
    for (const size of [30_000, 3_000_000]) {
      const name = `${size}.bin`;
      await page.setInputFiles('#picker', { name, mimeType: '', buffer: Buffer.alloc(size, 1) });
      counted.push({ size, ...(await countsOf(await waitForBadge(name, 'Received'))) });
    }
    for (const { size, throughServer, toStore, atServer } of counted) {
      expect(throughServer).toBe(0);
      expect(toStore).toBeGreaterThanOrEqual(size);
      // The fields of a form are sent with the file.
      expect(toStore).toBeLessThan(size + 4096);
      expect(atServer).toBeGreaterThan(300);
      expect(atServer).toBeLessThan(5_000);
    }
    const [small, large] = counted.map(({ atServer }) => atServer) as [number, number];
    expect(Math.abs(large - small)).toBeLessThan(200);
    expect(problems).toEqual([]);
    await close();
  });

  it('count file bytes that reach the server while the upload is active, and not earlier ones', async () => {
    const { page, waitForBadge, close } = await visit(browser(), app.url);
    app.store.setFaults({ when: ({ method }) => method === 'POST' || method === 'PUT', delayMs: 600_000 });
    await page.setInputFiles('#picker', { name: 'a.bin', mimeType: '', buffer: Buffer.alloc(30_000, 1) });
    await waitForBadge('a.bin', 'On its way');
    await page.request.post(`${app.url}/uploads`, {
      data: Buffer.alloc(50_000),
      headers: { 'content-type': 'application/octet-stream' },
    });
    app.store.setFaults(undefined);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Try again' }).click();
    const first = await countsOf(await waitForBadge('a.bin', 'Received'));
    // The retry is another upload, and the bytes reached the server before it began.
    expect(first.throughServer).toBe(0);

    let release = () => {};
    const sent = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/uploads/complete', async (route) => {
      await sent;
      await route.continue();
    });
    await page.setInputFiles('#picker', { name: 'b.bin', mimeType: '', buffer: Buffer.alloc(30_000, 1) });
    await waitForBadge('b.bin', 'Checking');
    await page.request.post(`${app.url}/uploads`, {
      data: Buffer.alloc(50_000),
      headers: { 'content-type': 'application/octet-stream' },
    });
    release();
    expect((await countsOf(await waitForBadge('b.bin', 'Received'))).throughServer).toBeGreaterThanOrEqual(50_000);
    await close();
  });
});

async function countsOf(row: Locator) {
  const details = await openDetails(row);
  const caption = (await details.locator('figcaption').textContent()) ?? '';
  const sentence =
    /^([\d,]+) file bytes? through the server · ([\d,]+) bytes? to the storage · server handled ([\d,]+) bytes? of JSON and headers in (\d+) requests$/;
  const [, ...numbers] = sentence.exec(caption) ?? [];
  expect(numbers, caption).toHaveLength(4);
  const [throughServer = 0, toStore = 0, atServer = 0, requests = 0] = numbers.map((text) =>
    Number(text.replaceAll(',', '')),
  );
  return { throughServer, toStore, atServer, requests };
}
