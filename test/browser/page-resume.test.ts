/**
 * Large files on the page: paused, reloaded, killed, edited, in two tabs. What was sent twice is counted at the store; what
 * was stored is read back.
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
import { follow, type PageAppWithStore, startPageWithStore, type Visit, visit } from './page-app.ts';

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

  /** So many parts get through; the others wait for better weather. */
  function letThrough(parts: number): void {
    let seen = 0;
    app.store.setFaults({
      when: ({ method, query }) => method === 'PUT' && query.includes('partNumber') && ++seen > parts,
      delayMs: 600_000,
    });
  }

  /** Until the store has so many parts and the page knows. */
  async function half({ slip }: Visit, parts = 2): Promise<void> {
    await expect.poll(() => app.sent.length, { timeout: 20_000 }).toBe(parts);
    await expect
      .poll(() => slip('scan.bin').getByRole('progressbar').getAttribute('aria-valuenow'), { timeout: 10_000 })
      .not.toBeNull();
  }

  async function pickAgain({ page, slip }: Visit, file: string, button = 'Choose the file again'): Promise<void> {
    const chooser = page.waitForEvent('filechooser');
    await slip('scan.bin').getByRole('button', { name: button }).click();
    await (await chooser).setFiles(file);
  }

  async function expectStored({ slip, page }: Visit, expected: Uint8Array): Promise<void> {
    const link = await slip('scan.bin').getByRole('link', { name: 'Download' }).getAttribute('href');
    const body = await (await page.request.get(link ?? '')).body();
    expect(digest(body)).toBe(digest(expected));
  }

  const total = () => app.sent.reduce((sum, part) => sum + part, 0);

  it('is paused and goes on, and no part of it is sent twice', async () => {
    const seen = await visit(browser(), app.url);
    letThrough(2);
    await seen.pick(path);
    await half(seen);
    await seen.slip('scan.bin').getByRole('button', { name: 'Pause' }).click();
    await seen.stamped('scan.bin', 'Paused');
    expect(await seen.slip('scan.bin').locator('.pace').textContent()).toMatch(/^Paused at [\d.]+ MB of 42 MB$/);
    expect(await seen.page.title()).toBe('Waybill');
    app.store.setFaults(undefined);
    await seen.slip('scan.bin').getByRole('button', { name: 'Go on' }).click();
    await seen.stamped('scan.bin', 'Received');
    expect(total()).toBe(size);
    await expectStored(seen, bytes);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('waits after a reload until it is chosen again, is recognised, and only the rest is sent', async () => {
    const seen = await visit(browser(), app.url);
    letThrough(2);
    await seen.pick(path);
    await half(seen);
    await seen.page.reload();
    await seen.stamped('scan.bin', 'Paused');
    expect(await seen.slip('scan.bin').locator('.verdict').textContent()).toContain('What has arrived is kept');
    app.store.setFaults(undefined);

    const other = join(dir, 'other.bin');
    await writeFile(other, 'another');
    await pickAgain(seen, other);
    await seen.page.getByText('That is another file').first().waitFor();
    await seen.stamped('scan.bin', 'Paused');
    await pickAgain(seen, path);
    await seen.stamped('scan.bin', 'Received');
    expect(total()).toBe(size);
    expect(await seen.page.locator('.consignment').count()).toBe(2);
    await expectStored(seen, bytes);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('goes on also when it is simply sent again', async () => {
    const seen = await visit(browser(), app.url);
    letThrough(2);
    await seen.pick(path);
    await half(seen);
    await seen.page.reload();
    await seen.stamped('scan.bin', 'Paused');
    app.store.setFaults(undefined);
    await seen.pick(path);
    await seen.stamped('scan.bin', 'Received');
    expect(await seen.page.locator('.consignment').count()).toBe(1);
    expect(total()).toBe(size);
    await seen.close();
  });

  it('goes on by itself after a reload where the browser keeps the file for the page', async () => {
    const seen = await visit(browser(), app.url);
    letThrough(2);
    await seen.pick(path);
    await half(seen);
    // A handle that needs no permission: the same bytes in the page's own file system.
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
    await seen.stamped('scan.bin', 'Received');
    expect(total()).toBe(size);
    await expectStored(seen, bytes);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('that has changed meanwhile is said to have, and can be started over', async () => {
    const seen = await visit(browser(), app.url);
    letThrough(2);
    await seen.pick(path);
    await half(seen);
    await seen.page.reload();
    await seen.stamped('scan.bin', 'Paused');
    app.store.setFaults(undefined);
    // By so much that the last part counts as well: see `sent` in page-app.ts.
    const edited = randomBytes(size + 1024 * 1024);
    await writeFile(path, edited);
    await pickAgain(seen, path);
    const slip = await seen.stamped('scan.bin', 'Held up');
    expect(await slip.locator('.verdict').textContent()).toContain('The file has changed.');
    app.sent.length = 0;
    await slip.getByRole('button', { name: 'Start over' }).click();
    await seen.stamped('scan.bin', 'Received');
    expect(total()).toBe(edited.length);
    await expectStored(seen, edited);
    expect(seen.problems).toEqual([]);
    await seen.close();
  });

  it('is shown by another tab as well, which does not send it, and has it when it is there', async () => {
    const one = await visit(browser(), app.url);
    letThrough(2);
    await one.pick(path);
    await half(one);
    const two = await follow(one, app.url);
    await two.stamped('scan.bin', 'Elsewhere');
    // Whatever moves there moves here.
    app.store.setFaults(undefined);
    await one.slip('scan.bin').getByRole('button', { name: 'Pause' }).click();
    await one.slip('scan.bin').getByRole('button', { name: 'Go on' }).click();
    await one.stamped('scan.bin', 'Received');
    await two.stamped('scan.bin', 'Received');
    expect(total()).toBe(size);
    expect(await two.page.locator('.consignment').count()).toBe(1);
    expect([...one.problems, ...two.problems]).toEqual([]);
    await one.close();
  });

  it('is left to the other tab when the first is closed', async () => {
    const one = await visit(browser(), app.url);
    letThrough(2);
    await one.pick(path);
    await half(one);
    const two = await follow(one, app.url);
    await two.stamped('scan.bin', 'Elsewhere');
    await one.page.close();
    await two.stamped('scan.bin', 'Paused');
    app.store.setFaults(undefined);
    await pickAgain(two, path);
    await two.stamped('scan.bin', 'Received');
    expect(total()).toBe(size);
    await two.close();
  });

  it('survives the browser being killed with -9', async () => {
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
      const seen = await follow({ page: await first.newPage() }, app.url);
      letThrough(2);
      await seen.pick(path);
      await half(seen);
      const lock = await readLock(profile);
      const closed = new Promise((resolve) => first.once('close', resolve));
      process.kill(lock, 'SIGKILL');
      await closed;

      const second = await open();
      const again = await follow({ page: await second.newPage() }, app.url);
      await again.stamped('scan.bin', 'Paused');
      app.store.setFaults(undefined);
      await pickAgain(again, path);
      await again.stamped('scan.bin', 'Received');
      expect(total()).toBe(size);
      await expectStored(again, bytes);
      await second.close();
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** Into the page's own file system, through a request of its own. */
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

/** Chromium's own process: the profile's lock names it. */
async function readLock(profile: string): Promise<number> {
  const { readlink } = await import('node:fs/promises');
  const pid = Number((await readlink(join(profile, 'SingletonLock'))).replace(/^.*-/, ''));
  expect(pid).toBeGreaterThan(1);
  return pid;
}
