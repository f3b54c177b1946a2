/**
 * The operator's page in Chromium: what it shows, its two buttons, hostile names as text, and that axe finds nothing.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { AxeResults } from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAdmin } from '../../src/cli/admin/index.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Ledger } from '../../src/server/index.ts';
import { describeBrowser } from '../support/chromium.ts';
import { endedUpload, grantedUpload, parkedUpload, writeWebhook } from '../support/recorded-uploads.ts';

const screens = {
  phone: { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true },
  desktop: { viewport: { width: 1280, height: 900 } },
} as const;
const hostile = '"><img src=x onerror="document.title=1"><script>document.title=2</script>\u202egnp.exe';
const token = 'the token of the operators';
const pages = ['/', '/uploads', '/owners', '/webhooks'] as const;
/** Where to leave pictures, for people: WAYBILL_PICTURES=folder. */
const pictures = process.env.WAYBILL_PICTURES;
const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describeBrowser("the operator's page", (browser) => {
  let dir: string;
  let ledger: Ledger;
  let server: Server;
  let url: string;
  let completed: string[];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waybill-admin-'));
    ledger = await sqliteLedger({ file: join(dir, 'uploads.db') });
    completed = [];
    const admin = createAdmin({
      uploads: {
        async completeUpload(uploadId) {
          completed.push(uploadId);
          return { uploadId, completing: true } as never;
        },
      },
      ledger,
      hostNames: [],
      token,
      onError: () => {},
    });
    server = createAdaptorServer({ fetch: admin.fetch }) as Server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await ledger.close();
    await rm(dir, { recursive: true, force: true });
  });

  async function open(options: BrowserContextOptions = {}) {
    const context = await browser().newContext({ httpCredentials: { username: 'me', password: token }, ...options });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    return { page, problems, close: () => context.close() };
  }

  it('shows what is parked, and tries it again', async () => {
    const uploadId = await parkedUpload(ledger, { fileName: 'invoice.pdf' }, 'Error: the app is away\n    at app.js:1');
    const { page, problems, close } = await open();
    await page.goto(url);
    const row = page.getByRole('row').filter({ hasText: 'invoice.pdf' });
    expect(await row.innerText()).toContain('the app is away');
    await row.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('status').filter({ hasText: 'The upload is being completed.' }).waitFor();
    expect(completed).toEqual([uploadId]);
    expect((await ledger.find(uploadId))?.callback.parkedAt).toBeNull();
    await page.getByText('Parked callbacks: 0').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  it('finds uploads by state, owner and age, page by page', async () => {
    for (let index = 0; index < 60; index += 1)
      await grantedUpload(ledger, { ownerId: 'bob', fileName: `photo-${index}.png`, key: `files/bob/${index}` });
    await endedUpload(ledger, { state: 'aborted' }, { fileName: 'gone.png' });
    const { page, problems, close } = await open();
    await page.goto(`${url}/uploads`);
    await page.getByLabel('Owner').fill('bob');
    await page.getByLabel('State').selectOption('granted');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/owner=bob/);
    const names = new Set<string>();
    for (const expected of [50, 10]) {
      const rows = page.locator('tbody tr');
      expect(await rows.count()).toBe(expected);
      for (const text of await rows.allInnerTexts()) names.add(/photo-\d+\.png/.exec(text)?.[0] ?? text);
      if (expected === 50) {
        await page.getByRole('link', { name: 'Next page' }).click();
        await page.waitForURL(/after=/);
      }
    }
    expect(names.size).toBe(60);
    expect(await page.getByLabel('Owner').inputValue()).toBe('bob');
    await page.goto(`${url}/uploads?state=aborted`);
    expect(await page.locator('tbody tr').allInnerTexts()).toEqual([expect.stringContaining('gone.png')]);
    await page.goto(`${url}/uploads?olderThan=3600000`);
    await page.getByText('No uploads.').waitFor();
    expect(problems).toEqual([]);
    await close();
  });

  it('sends a webhook again', async () => {
    const webhookId = await writeWebhook(ledger);
    await ledger.takeWebhooks(10, 1000);
    await ledger.recordWebhookFailure(webhookId, 'HTTP 500', null);
    const { page, problems, close } = await open();
    await page.goto(`${url}/webhooks?state=parked`);
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('The message will be sent again in a moment.').waitFor();
    const [message] = (await ledger.listWebhooks()).webhooks;
    expect(message).toMatchObject({ webhookId, parkedAt: null });
    expect(message?.nextAt).not.toBeNull();
    expect(problems).toEqual([]);
    await close();
  });

  it('G6 shows hostile names as text, wherever they stand', async () => {
    const owner = 'o<img src=x onerror="document.title=3">';
    await parkedUpload(ledger, { fileName: hostile, ownerId: owner, contentType: 'image/<b>' }, hostile);
    await ledger.recordSweep({
      startedAt: 1,
      endedAt: 2,
      report: { looked: 1, orphans: 1, [hostile]: 1 },
      orphans: [
        { key: hostile, kind: 'object', size: 1, multipartId: null, since: '2026-01-01T00:00:00Z', removed: false },
      ],
    });
    const { page, problems, close } = await open();
    for (const path of [...pages, `/uploads?owner=${encodeURIComponent(owner)}`]) {
      await page.goto(url + path);
      expect(await page.locator('img, script, b').count()).toBe(0);
      expect(await page.title()).toMatch(/^Waybill: /);
    }
    await page.goto(url);
    expect(await page.getByText('<img src=x onerror="document.title=1">').count()).toBeGreaterThan(1);
    expect(problems).toEqual([]);
    await close();
  });

  it('asks for the token, and lets no one in without', async () => {
    const { page, close } = await open({ httpCredentials: { username: 'me', password: 'a guess' } });
    const answer = await page.goto(url);
    expect(answer?.status()).toBe(401);
    await close();
  });

  for (const [screen, options] of Object.entries(screens))
    for (const colorScheme of ['light', 'dark'] as const)
      it(`fits on a ${screen}, ${colorScheme}, and axe finds nothing`, async () => {
        await furnish(ledger);
        const { page, problems, close } = await open({ ...options, colorScheme, reducedMotion: 'reduce' });
        for (const path of pages) {
          await page.goto(url + path);
          await expectClean(page);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect([path, wide]).toEqual([path, 0]);
          await picture(page, `${screen}-${colorScheme}-${path.slice(1) || 'overview'}`);
        }
        expect(problems).toEqual([]);
        await close();
      });
});

/** A deployment some months old. */
async function furnish(ledger: Ledger): Promise<void> {
  const names = ['holiday.mp4', 'invoice 2026-11.pdf', 'IMG_2041.HEIC', 'résumé, the last (final) version 3.docx'];
  for (const [index, fileName] of names.entries()) {
    const ownerId = `customer-${1000 + index}`;
    const size = 10 ** (index + 4);
    await parkedUpload(
      ledger,
      { fileName, ownerId, size, reservedBytes: size },
      'TypeError: fetch failed\n    at app.js:12:3',
    );
    await grantedUpload(ledger, { fileName, ownerId, size, reservedBytes: size, route: 'photos' });
    const webhookId = await writeWebhook(ledger, { fileName, ownerId });
    if (index === 0) await ledger.recordWebhookDelivery(webhookId);
    if (index === 1) await ledger.recordWebhookFailure(webhookId, 'HTTP 500', null);
  }
  await endedUpload(ledger, { state: 'aborted' });
  const now = await ledger.ping();
  await ledger.recordSweep({
    startedAt: now - 1200,
    endedAt: now,
    report: {
      dryRun: false,
      looked: 1240,
      completed: 3,
      rejected: 1,
      expired: 12,
      aborted: 2,
      failed: 0,
      durationMs: 1200,
    },
    orphans: [
      {
        key: 'files/alice/0a1b2c.png',
        kind: 'object',
        size: 48_211,
        multipartId: null,
        since: '2026-11-20T09:30:00Z',
        removed: false,
      },
      {
        key: 'incoming/77aa01',
        kind: 'multipart',
        size: null,
        multipartId: 'x',
        since: '2026-11-01T00:00:00Z',
        removed: true,
      },
    ],
  });
}

async function expectClean(page: Page): Promise<void> {
  // Past the page's policy, which lets no script in.
  await page.evaluate(await axe);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  expect(results.passes.length).toBeGreaterThan(5);
  expect(results.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
