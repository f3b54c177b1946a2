/**
 * The built document site: links lead to pages and headings that exist, nothing comes from another
 * host, search finds words of the pages without a network, and axe reports nothing.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureFolderInstalled } from '../../scripts/lib/install.mjs';
import { files, placeOf } from '../../site/pages.ts';
import { describeBrowser } from '../support/chromium.ts';
import { isFullSize } from '../support/test-size.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const htmlOf = (file: string) => placeOf(file).replace(/\.md$/, '.html');

let site = '';
/** The HTML of each page, by its path on the site. */
const pages = new Map<string, string>();

beforeAll(async () => {
  site = await mkdtemp(join(tmpdir(), 'waybill-site-'));
  await ensureFolderInstalled('site', 'VitePress');
  const vitepress = join(root, 'site/node_modules/vitepress/bin/vitepress.js');
  const { NODE_ENV: _, VITEST: __, ...env } = process.env;
  await promisify(execFile)(process.execPath, [vitepress, 'build', 'site', '--outDir', site], { cwd: root, env });
  for (const file of await readdir(site, { recursive: true }))
    if (file.endsWith('.html')) pages.set(`/${file.replaceAll('\\', '/')}`, await readFile(join(site, file), 'utf8'));
});

afterAll(async () => {
  if (site) await rm(site, { recursive: true, force: true });
});

describe('the built site', () => {
  it('has a configuration without type errors', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', 'site'], {
      cwd: root,
    }).catch(({ stdout, message }: { stdout?: string; message: string }) => ({ stdout: stdout || message }));
    expect(stdout).toBe('');
  });

  it('has a page for each file of site/pages.ts', () => {
    const expected = files.map((file) => `/${htmlOf(file)}`);
    expect([...pages.keys()].filter((path) => path !== '/404.html').sort()).toEqual(expected.sort());
  });

  it('has no link to a page or a heading that does not exist', () => {
    const broken: string[] = [];
    let examined = 0;
    for (const [path, html] of pages)
      for (const [, href = ''] of html.matchAll(/<a[^>]* href="([^"]*)"/g)) {
        if (/^[a-z]+:/.test(href)) continue;
        examined += 1;
        const [to = '', anchor = ''] = href.split('#');
        const target = to === '' ? path : posix.resolve(posix.dirname(path), to);
        const found = pages.get(target) ?? pages.get(`${target.replace(/\/$/, '')}/index.html`);
        const id = decodeURIComponent(anchor);
        if (found === undefined || (id !== '' && !found.includes(`id="${id}"`))) broken.push(`${path}: ${href}`);
      }
    expect(broken).toEqual([]);
    expect(examined).toBeGreaterThan(1000);
  });

  it('loads no script, style, font or image of another host', async () => {
    const outside: string[] = [];
    for (const [path, html] of pages)
      for (const [tag] of html.matchAll(/<(?:script|link|img|iframe|source|video)\b[^>]*>/g))
        if (/(?:src|href)="(?:https?:)?\/\//.test(tag)) outside.push(`${path}: ${tag}`);
    const styles = (await readdir(join(site, 'assets'))).filter((name) => name.endsWith('.css'));
    expect(styles.length).toBeGreaterThan(0);
    for (const name of styles) {
      const css = await readFile(join(site, 'assets', name), 'utf8');
      outside.push(...(css.match(/url\(["']?https?:[^)]*\)|@import[^;]*/g) ?? []));
    }
    expect(outside).toEqual([]);
  });
});

describeBrowser('the site in Chromium', (browser) => {
  let server: Server;
  let address = '';

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://site');
      const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
      const body = await readFile(join(site, path)).catch(() => undefined);
      response.writeHead(body ? 200 : 404, { 'content-type': types[extname(path)] ?? 'application/octet-stream' });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
  });

  it('search finds a page by a word of it and opens it, with no request to another host', async () => {
    await withPage(browser(), { width: 1440, height: 900 }, async (page) => {
      const foreign: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(address) && !request.url().startsWith('data:')) foreign.push(request.url());
      });
      await page.goto(`${address}/storage.html`);
      await page.getByRole('button', { name: /search/i }).click();
      await page.locator('#localsearch-input').fill('idempotencyKey');
      await page.getByRole('option').filter({ hasText: 'Request an upload' }).click();
      await page.waitForURL(/\/protocol\.html#request-an-upload/);
      expect(foreign).toEqual([]);
    });
  });

  const phone = { width: 360, height: 740 };
  const desktop = { width: 1440, height: 900 };
  // axe takes seconds for each page, and most pages have the same parts.
  const screens = [
    { ...phone, colorScheme: 'light' },
    { ...desktop, colorScheme: 'dark' },
    ...(isFullSize ? [{ ...phone, colorScheme: 'dark' } as const, { ...desktop, colorScheme: 'light' } as const] : []),
  ] as const;
  const examined = isFullSize ? files.map((file) => `/${htmlOf(file)}`) : ['/index.html', '/webhooks.html'];
  it.each(screens)('axe reports nothing with $width px, $colorScheme, and no page is wider', async (screen) => {
    await withPage(browser(), screen, async (page) => {
      for (const path of examined) {
        await page.goto(`${address}${path}`);
        expect(await violations(page), path).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBe(screen.width);
      }
    });
  });
});

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

interface Screen {
  width: number;
  height: number;
  colorScheme?: 'light' | 'dark';
}

async function withPage(
  browser: Browser,
  { colorScheme = 'light', ...viewport }: Screen,
  use: (page: Page) => unknown,
) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  try {
    await use(await context.newPage());
  } finally {
    await context.close();
  }
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 5)
        .map(({ html }) => html.slice(0, 160))
        .join(' | ')}`,
  );
}
