/**
 * Resumes large files on the page: after a pause, a reload, a killed browser, an edit, and in two tabs. Parts that are
 * sent twice are counted at the storage, and the stored bytes are read back.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { MiB } from '../../src/protocol/index.ts';
import { removeBuiltPage } from '../support/built-page.ts';
import { chromiumArgs, describeBrowser } from '../support/chromium.ts';
import { openTab, type PageAppWithStore, startPageWithStore, type Visit, visit } from './page-app.ts';

afterAll(removeBuiltPage);

const size = 40 * MiB;

describeBrowser('a large file', (browser) => {
  let app: PageAppWithStore;
  let dir: string;
  let path: string;
  let bytes: Buffer;
  beforeAll(async () => {
    app = await startPageWithStore();
    dir = await mkdtemp(join(tmpdir(), 'waybill-large-'));
    path = join(dir, 'scan.bin');
  });
  beforeEach(async () => {
    bytes = randomBytes(size);
    await writeFile(path, bytes);
    app.sent.length = 0;
  });
  afterEach(() => app.store.setFaults(undefined));
  afterAll(async () => {
    await app?.close();
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  /** Lets this many parts through. The others wait until the test removes the fault. */
  function letPartsThrough(parts: number): void {
    let seen = 0;
    app.store.setFaults({
      when: ({ method, query }) => method === 'PUT' && query.includes('partNumber') && ++seen > parts,
      delayMs: 600_000,
    });
  }

  /** Waits until the storage has this many parts and the page shows progress. */
  async function waitForParts({ row }: Visit, parts = 2): Promise<void> {
    await expect.poll(() => app.sent.length).toBe(parts);
    await expect.poll(() => row('scan.bin').getByRole('progressbar').getAttribute('aria-valuenow')).not.toBeNull();
  }

  async function chooseAgain({ page, row }: Visit, file: string, button = 'Choose the file again'): Promise<void> {
    const chooser = page.waitForEvent('filechooser');
    await row('scan.bin').getByRole('button', { name: button }).click();
    await (await chooser).setFiles(file);
  }

  async function expectStored({ row, page }: Visit, expected: Uint8Array): Promise<void> {
    const link = await row('scan.bin').getByRole('link', { name: 'Download' }).getAttribute('href');
    const body = await (await page.request.get(link ?? '')).body();
    expect(digest(body)).toBe(digest(expected));
  }

  const total = () => app.sent.reduce((sum, part) => sum + part, 0);

  it('resumes after a pause, and no part of it is sent twice', async () => {
    const seen = await visit(browser(), app.url);
    letPartsThrough(2);
    await seen.choose(path);
    await waitForParts(seen);
    await seen.row('scan.bin').getByRole('button', { name: 'Pause' }).click();
    await seen.waitForBadge('scan.bin', 'Paused');
    expect(await seen.row('scan.bin').locator('.pace').textContent()).toMatch(/^Paused at [\d.]+ MB of 42 MB$/);
    expect(await seen.page.title()).toBe('Waybill');
    app.store.setFaults(undefined);
    await seen.row('scan.bin').getByRole('button', { name: 'Resume' }).click();
    await seen.waitForBadge('scan.bin', 'Received');
    expect(total()).toBe(size);
    await expectStored(seen, bytes);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('waits after a reload until it is chosen again, and only the rest is sent', async () => {
    const seen = await visit(browser(), app.url);
    letPartsThrough(2);
    await seen.choose(path);
    await waitForParts(seen);
    await seen.page.reload();
    await seen.waitForBadge('scan.bin', 'Paused');
    expect(await seen.row('scan.bin').locator('.problem').textContent()).toContain('What has arrived is kept');
    app.store.setFaults(undefined);

    const other = join(dir, 'other.bin');
    await writeFile(other, 'another');
    await chooseAgain(seen, other);
    await seen.page.getByText('That is another file').first().waitFor();
    await seen.waitForBadge('scan.bin', 'Paused');
    await chooseAgain(seen, path);
    await seen.waitForBadge('scan.bin', 'Received');
    expect(total()).toBe(size);
    expect(await seen.page.locator('.upload').count()).toBe(2);
    await expectStored(seen, bytes);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('resumes when it is added as a new file after a reload', async () => {
    const seen = await visit(browser(), app.url);
    letPartsThrough(2);
    await seen.choose(path);
    await waitForParts(seen);
    await seen.page.reload();
    await seen.waitForBadge('scan.bin', 'Paused');
    app.store.setFaults(undefined);
    await seen.choose(path);
    await seen.waitForBadge('scan.bin', 'Received');
    expect(await seen.page.locator('.upload').count()).toBe(1);
    expect(total()).toBe(size);
    await seen.close();
  });

  it('resumes by itself after a reload where the browser keeps a file handle', async () => {
    const seen = await visit(browser(), app.url);
    letPartsThrough(2);
    await seen.choose(path);
    await waitForParts(seen);
    // A handle in the page's own file system needs no permission.
    await seen.page.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open('waybill');
        request.onsuccess = () => resolve(request.result);
      });
      const store = () => database.transaction('uploads', 'readwrite').objectStore('uploads');
      const [entry] = await new Promise<unknown[]>((resolve) => {
        const request = store().getAll();
        request.onsuccess = () => resolve(request.result);
      });
      const root = await navigator.storage.getDirectory();
      const handle = await root.getFileHandle('scan.bin', { create: true });
      Object.assign(globalThis, { entry, handle, store });
    });
    await copyIn(seen, path);
    await seen.page.evaluate(async () => {
      const { entry, handle, store } = globalThis as unknown as {
        entry: object;
        handle: unknown;
        store: () => IDBObjectStore;
      };
      await new Promise((resolve) => {
        store().put({ ...entry, handle }).onsuccess = resolve;
      });
    });
    app.store.setFaults(undefined);
    await seen.page.reload();
    await seen.waitForBadge('scan.bin', 'Received');
    expect(total()).toBe(size);
    await expectStored(seen, bytes);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('is reported when it has changed after a reload, and can be started over', async () => {
    const seen = await visit(browser(), app.url);
    letPartsThrough(2);
    await seen.choose(path);
    await waitForParts(seen);
    await seen.page.reload();
    await seen.waitForBadge('scan.bin', 'Paused');
    app.store.setFaults(undefined);
    // One MiB more, so that the last part is counted as well: see `sent` in page-app.ts.
    const edited = randomBytes(size + 1024 * 1024);
    await writeFile(path, edited);
    await chooseAgain(seen, path);
    const row = await seen.waitForBadge('scan.bin', 'Held up');
    expect(await row.locator('.problem').textContent()).toContain('The file has changed.');
    app.sent.length = 0;
    await row.getByRole('button', { name: 'Start over' }).click();
    await seen.waitForBadge('scan.bin', 'Received');
    expect(total()).toBe(edited.length);
    await expectStored(seen, edited);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('is shown in another tab, which does not send it', async () => {
    const one = await visit(browser(), app.url);
    letPartsThrough(2);
    await one.choose(path);
    await waitForParts(one);
    const two = await openTab(one, app.url);
    await two.waitForBadge('scan.bin', 'In another tab');
    app.store.setFaults(undefined);
    await one.row('scan.bin').getByRole('button', { name: 'Pause' }).click();
    await one.row('scan.bin').getByRole('button', { name: 'Resume' }).click();
    await one.waitForBadge('scan.bin', 'Received');
    await two.waitForBadge('scan.bin', 'Received');
    expect(total()).toBe(size);
    expect(await two.page.locator('.upload').count()).toBe(1);
    expect([...one.problems, ...two.problems]).toEqual([]);
    await one.close();
  });

  it('can be resumed in another tab after its tab is closed', async () => {
    const one = await visit(browser(), app.url);
    letPartsThrough(2);
    await one.choose(path);
    await waitForParts(one);
    const two = await openTab(one, app.url);
    await two.waitForBadge('scan.bin', 'In another tab');
    await one.page.close();
    await two.waitForBadge('scan.bin', 'Paused');
    app.store.setFaults(undefined);
    await chooseAgain(two, path);
    await two.waitForBadge('scan.bin', 'Received');
    expect(total()).toBe(size);
    await two.close();
  });

  it('resumes after the browser was killed with SIGKILL', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'waybill-profile-'));
    const open = (): Promise<BrowserContext> =>
      chromium.launchPersistentContext(profile, {
        executablePath: findChromium() ?? '',
        headless: true,
        args: [...chromiumArgs],
        reducedMotion: 'reduce',
      });
    try {
      const first = await open();
      const seen = await openTab({ page: await first.newPage() }, app.url);
      letPartsThrough(2);
      await seen.choose(path);
      await waitForParts(seen);
      const pid = await readProcessId(profile);
      const closed = new Promise((resolve) => first.once('close', resolve));
      process.kill(pid, 'SIGKILL');
      await closed;

      const second = await open();
      const again = await openTab({ page: await second.newPage() }, app.url);
      await again.waitForBadge('scan.bin', 'Paused');
      app.store.setFaults(undefined);
      await chooseAgain(again, path);
      await again.waitForBadge('scan.bin', 'Received');
      expect(total()).toBe(size);
      await expectStored(again, bytes);
      await second.close();
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** Copies the file into the page's own file system, by a request that the test answers. */
async function copyIn({ page }: Visit, path: string): Promise<void> {
  const bytes = await readFile(path);
  await page.route('**/scan.bin.copy', (route) => route.fulfill({ body: bytes }));
  await page.evaluate(async () => {
    const { handle } = globalThis as unknown as { handle: FileSystemFileHandle };
    const writable = await handle.createWritable();
    await writable.write(await (await fetch('/scan.bin.copy')).arrayBuffer());
    await writable.close();
  });
}

/** The process id of Chromium, from the lock of its profile. */
async function readProcessId(profile: string): Promise<number> {
  const { readlink } = await import('node:fs/promises');
  const pid = Number((await readlink(join(profile, 'SingletonLock'))).replace(/^.*-/, ''));
  expect(pid).toBeGreaterThan(1);
  return pid;
}
