/**
 * Starts the page of `waybill dev` for browser tests, with the real server and the built page, and opens it in a
 * browser. Colours are read from screenshots, because they show what the user sees; the DOM does not.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { createDevServer } from '../../src/cli/dev/server.ts';
import { createTransferCounter } from '../../src/cli/dev/transfer-stats.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { type Storage, s3Storage } from '../../src/s3/index.ts';
import { builtPage } from '../support/built-page.ts';
import { quadrants, sameColour } from '../support/fixtures.ts';

export interface PageApp {
  url: string;
  close(): Promise<void>;
}

/** Starts the server and the page on a storage that does not report its byte counts. */
export async function startPageOn(storage: Storage): Promise<PageApp> {
  return startServer(storage, createTransferCounter({ storeCounts: false }));
}

async function startServer(
  storage: Storage,
  transferCounter: ReturnType<typeof createTransferCounter>,
): Promise<PageApp> {
  const server = await createDevServer({
    storage,
    secret: randomBytes(36).toString('base64url'),
    pageDir: await builtPage(),
    transferCounter,
  });
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

export interface PageAppWithStore extends PageApp {
  store: Devstore;
  /** Size in bytes of each body over 1 MiB that the store has accepted. */
  sent: number[];
}

/** Starts the page as `waybill dev` does, on a devstore that counts bytes and that supports fault injection. */
export async function startPageWithStore(): Promise<PageAppWithStore> {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-page-store-'));
  const credentials = { accessKeyId: 'page', secretAccessKey: randomBytes(20).toString('hex') };
  const transferCounter = createTransferCounter({ storeCounts: true });
  const sent: number[] = [];
  const store = await createDevstore({
    dir,
    credentials: [credentials],
    buckets: ['uploads'],
    onRequest(report) {
      transferCounter.addStoreRequest(report);
      if (report.method === 'PUT' && report.status === 200 && report.bytesIn >= 1024 * 1024) sent.push(report.bytesIn);
    },
  });
  const { url: endpoint } = await store.listen();
  const storage = s3Storage({ bucket: 'uploads', endpoint, credentials, capabilities: 'devstore' });
  const app = await startServer(storage, transferCounter);
  await store.setCors('uploads', [
    {
      allowedOrigins: [app.url],
      allowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
      allowedHeaders: ['*'],
      exposeHeaders: ['ETag'],
    },
  ]);
  return {
    ...app,
    store,
    sent,
    async close() {
      await app.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface Visit {
  page: Page;
  /** Script errors, dialogs and violations of the content security policy. Tests expect none. */
  problems: string[];
  /** The row of this file in the list. */
  row(fileName: string): Locator;
  choose(...paths: string[]): Promise<void>;
  /** Waits until the badge of the row has this text, and returns the row. */
  waitForBadge(fileName: string, badge: string): Promise<Locator>;
  close(): Promise<void>;
}

export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  return { ...(await openPage(page, url)), close: () => context.close() };
}

/** Opens another tab in the browser of `seen`; without `close`, uses the page of `seen` itself. */
export async function openTab(seen: { page: Page; close?: unknown }, url: string): Promise<Visit> {
  const page = seen.close ? await seen.page.context().newPage() : seen.page;
  return { ...(await openPage(page, url)), close: () => page.context().close() };
}

async function openPage(page: Page, url: string): Promise<Omit<Visit, 'close'>> {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) problems.push(message.text());
  });
  await page.goto(url);
  const row = (fileName: string) =>
    page
      .locator('.upload')
      .filter({ has: page.getByRole('heading', { name: fileName, exact: true }) })
      .first();
  return {
    page,
    problems,
    row,
    choose: (...paths) => page.setInputFiles('#picker', paths),
    async waitForBadge(fileName, badge) {
      const found = row(fileName);
      await found.locator('.status-badge').getByText(badge, { exact: true }).waitFor();
      return found;
    },
  };
}

/** Opens the details below a row, and returns them. */
export async function openDetails(row: Locator): Promise<Locator> {
  const button = row.getByRole('button', { name: 'Details' });
  if ((await button.getAttribute('aria-expanded')) !== 'true') await button.click();
  return row.locator('.details');
}

/** Colours of an element on the screen, at points that are fractions of its width and height. */
export async function coloursOf(
  element: Locator,
  points: readonly (readonly [x: number, y: number])[],
): Promise<number[][]> {
  const png = (await element.screenshot({ animations: 'disabled' })).toString('base64');
  // The content security policy of the page under test does not allow `data:`. An empty page has none.
  const reader = await element.page().context().newPage();
  try {
    return await reader.evaluate(
      async ({ png, points }) => {
        const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
        const bitmap = await createImageBitmap(blob);
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
        context?.drawImage(bitmap, 0, 0);
        return points.map(([x = 0, y = 0]) => [
          ...(context?.getImageData(Math.round(x * bitmap.width), Math.round(y * bitmap.height), 1, 1).data ?? []),
        ]);
      },
      { png, points: points as [number, number][] },
    );
  } finally {
    await reader.close();
  }
}

const corners = {
  topLeft: [0.25, 0.25],
  topRight: [0.75, 0.25],
  bottomLeft: [0.25, 0.75],
  bottomRight: [0.75, 0.75],
} as const satisfies Record<keyof typeof quadrants, readonly [number, number]>;

/** Waits until the element shows the four colours of the fixtures, each in its corner. */
export async function expectQuadrants(
  element: Locator,
  only: readonly (keyof typeof quadrants)[] = ['topLeft', 'topRight', 'bottomLeft', 'bottomRight'],
) {
  await expect
    .poll(
      async () => {
        const colours = await coloursOf(
          element,
          only.map((corner) => corners[corner]),
        );
        return only.filter((corner, index) => !sameColour(colours[index] ?? [], quadrants[corner]));
      },
      { message: 'corners with a wrong colour' },
    )
    .toEqual([]);
}

/** Starts a drag of files from outside the browser, as the operating system reports it. */
export async function dragOver(page: Page, files: string[]) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  const at = { x: 300, y: 700, data };
  await session.send('Input.dispatchDragEvent', { type: 'dragEnter', ...at });
  const report = (type: 'dragEnter' | 'dragOver' | 'drop') => session.send('Input.dispatchDragEvent', { type, ...at });
  await report('dragEnter');
  await report('dragOver');
  return {
    // An operating system repeats `dragOver` while the files hover.
    async hoverUntil(seen: () => Promise<boolean>) {
      await expect.poll(() => report('dragOver').then(seen)).toBe(true);
    },
    drop: () => report('drop'),
  };
}

export async function dropFiles(page: Page, files: string[]): Promise<void> {
  await (await dragOver(page, files)).drop();
}
