/** The drawing's numbers are measured: they follow what really went where, also when it goes where it should not. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { type PageAppWithStore, startPageWithStore, type Visit, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('the way of a file', (browser) => {
  let app: PageAppWithStore;
  beforeAll(async () => {
    app = await startPageWithStore();
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(() => app?.close());

  it('a hundred times the bytes go to the store, and not one more through the server', async () => {
    const { page, stamped, problems, close } = await visit(browser(), app.url);
    const seen = [];
    for (const size of [30_000, 3_000_000]) {
      const name = `${size}.bin`;
      await page.setInputFiles('#picker', { name, mimeType: '', buffer: Buffer.alloc(size, 1) });
      seen.push({ size, ...(await countsOf(await stamped(name, 'Received'))) });
    }
    for (const { size, throughServer, toStore, atServer } of seen) {
      expect(throughServer).toBe(0);
      expect(toStore).toBeGreaterThanOrEqual(size);
      // A form's fields travel with the file.
      expect(toStore).toBeLessThan(size + 4096);
      expect(atServer).toBeGreaterThan(300);
      expect(atServer).toBeLessThan(5_000);
    }
    const [small, large] = seen.map(({ atServer }) => atServer) as [number, number];
    expect(Math.abs(large - small)).toBeLessThan(200);
    expect(problems).toEqual([]);
    await close();
  });

  it('bytes that do come through the server would show', async () => {
    const { page, stamped, close } = await visit(browser(), app.url);
    app.store.setFaults({ when: ({ method }) => method === 'POST' || method === 'PUT', delayMs: 600_000 });
    await page.setInputFiles('#picker', { name: 'a.bin', mimeType: '', buffer: Buffer.alloc(30_000, 1) });
    await stamped('a.bin', 'On its way');
    await page.request.post(`${app.url}/uploads`, {
      data: Buffer.alloc(50_000),
      headers: { 'content-type': 'application/octet-stream' },
    });
    app.store.setFaults(undefined);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Try again' }).click();
    const first = await countsOf(await stamped('a.bin', 'Received'));
    // Tried again it is another upload, with a count of its own: before it is not during it.
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
    await stamped('b.bin', 'Checking in');
    await page.request.post(`${app.url}/uploads`, {
      data: Buffer.alloc(50_000),
      headers: { 'content-type': 'application/octet-stream' },
    });
    release();
    expect((await countsOf(await stamped('b.bin', 'Received'))).throughServer).toBeGreaterThanOrEqual(50_000);
    await close();
  });
});

async function countsOf(slip: Awaited<ReturnType<Visit['stamped']>>) {
  const caption = (await slip.locator('figcaption').textContent()) ?? '';
  const words =
    /^([\d,]+) file bytes? through the server · ([\d,]+) bytes? to the store · server handled ([\d,]+) bytes? of JSON and headers in (\d+) requests$/;
  const [, ...numbers] = words.exec(caption) ?? [];
  expect(numbers, caption).toHaveLength(4);
  const [throughServer = 0, toStore = 0, atServer = 0, requests = 0] = numbers.map((text) =>
    Number(text.replaceAll(',', '')),
  );
  return { throughServer, toStore, atServer, requests };
}
