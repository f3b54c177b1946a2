/**
 * Serves a page with the web component, an app server and a devstore, for browser tests. The page is empty: a test
 * fills it with `show(html)`.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { createDevstore, type Devstore } from '../../src/devstore/index.ts';
import { MiB } from '../../src/protocol/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import { bundleScripts, listen, stop } from '../support/client-page.ts';

const script = `
import './elements/index.ts';
import { createClient } from './client/index.ts';
import { en } from './messages/index.ts';
Object.assign(window, { createClient, en });
`;

export interface ElementApp {
  /** Of the page, which has the upload server on its own origin. */
  readonly url: string;
  readonly store: Devstore;
  close(): Promise<void>;
}

export async function startElementApp(): Promise<ElementApp> {
  const scripts = await bundleScripts(script);
  const dir = await mkdtemp(join(tmpdir(), 'waybill-element-'));
  const credentials = { accessKeyId: 'element', secretAccessKey: 'element-secret-of-more-than-32-characters' };
  const store = await createDevstore({ dir, credentials: [credentials], buckets: ['uploads'] });
  const { url: endpoint } = await store.listen();
  const authorize = () => ({ ownerId: 'alice' });
  const uploads = createUploads({
    storage: s3Storage({ bucket: 'uploads', endpoint, credentials, capabilities: 'devstore' }),
    secret: 'element-page-secret-of-more-than-32-characters',
    routes: {
      files: route({ limits: { maxBytes: 64 * MiB, contentTypes: ['*/*'] }, authorize }),
      photos: route({ limits: { maxBytes: 20_000_000, contentTypes: ['image/*', 'application/pdf'] }, authorize }),
      avatar: route({ limits: { maxBytes: 2_000_000, contentTypes: ['image/*'], maxFiles: 1 }, authorize }),
    },
  });
  const handle = toNodeHandler(uploads);
  const server = createServer((request, response) => {
    const path = request.url?.slice(1) ?? '';
    const text = scripts.get(path);
    if (text === undefined && /^(uploads|files)\b/.test(path)) return handle(request, response);
    response.setHeader('content-type', text === undefined ? 'text/html; charset=utf-8' : 'text/javascript');
    response.end(
      text ??
        `<!doctype html><html lang="en"><title>element</title><meta name="viewport" content="width=device-width">
        <meta name="color-scheme" content="light dark"><style>body{margin:16px;font-family:system-ui}
        main{max-width:720px;margin:auto}</style><main></main><script type="module" src="/page.js"></script></html>`,
    );
  });
  const url = await listen(server);
  await store.setCors('uploads', [
    { allowedOrigins: [url], allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['*'], exposeHeaders: ['ETag'] },
  ]);
  return {
    url,
    store,
    async close() {
      await stop(server);
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface ElementVisit {
  page: Page;
  dropzone: Locator;
  /** Script errors and dialogs. Tests expect none. */
  problems: string[];
  /** The row of this file. */
  row(fileName: string): Locator;
  choose(...paths: string[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens the page with this content in its `main`, in a new context or in the given one. */
export async function visitElement(
  browser: Browser,
  url: string,
  html: string,
  options: BrowserContextOptions = {},
  given?: BrowserContext,
): Promise<ElementVisit> {
  const look = { viewport: { width: 1000, height: 800 }, reducedMotion: 'reduce' as const, ...options };
  const context = given ?? (await browser.newContext(look));
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(url);
  await show(page, html);
  const dropzone = page.locator('waybill-dropzone').first();
  return {
    page,
    problems,
    dropzone,
    row: (fileName) => dropzone.getByRole('listitem').filter({ hasText: fileName }),
    async choose(...paths) {
      const asked = page.waitForEvent('filechooser');
      await dropzone.locator('.zone').click();
      await (await asked).setFiles(paths);
    },
    close: () => context.close(),
  };
}

export async function show(page: Page, html: string): Promise<void> {
  await page.locator('main').evaluate((main, markup) => {
    main.innerHTML = markup;
  }, html);
  await page.evaluate(() => customElements.whenDefined('waybill-dropzone').then(() => {}));
}
