/** The page on one origin, the server on a second, the store on a third: real CORS, preflights included, right and wrong. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPage } from '../../src/cli/dev/page.ts';
import { createDevServer, type DevServer } from '../../src/cli/dev/server.ts';
import { createTransferCounter } from '../../src/cli/dev/transfer-stats.ts';
import { builtPage, removeBuiltPage } from '../support/built-page.ts';
import { describeBrowser } from '../support/chromium.ts';
import { fixture } from '../support/fixtures.ts';
import { forEachStore, openCors } from '../support/stores.ts';
import { expectQuadrants, visit } from './page-app.ts';

afterAll(removeBuiltPage);

describeBrowser('three origins', (browser) => {
  forEachStore('and a store', (store) => {
    let pageServer: Server;
    let server: DevServer;
    let pageUrl: string;
    let serverUrl: string;

    beforeAll(async () => {
      // The page's origin must be known to the server, and the server's to the page: the page listens first.
      const late = new Hono();
      let page: Hono | undefined;
      late.all('*', (context) => page?.fetch(context.req.raw) ?? context.notFound());
      pageServer = createAdaptorServer({ fetch: late.fetch }) as Server;
      pageServer.listen(0, '127.0.0.1');
      await once(pageServer, 'listening');
      pageUrl = `http://127.0.0.1:${(pageServer.address() as AddressInfo).port}`;
      server = await createDevServer({
        storage: store.storage(),
        secret: randomBytes(36).toString('base64url'),
        pageDir: await builtPage(),
        transferCounter: createTransferCounter({ storeCounts: false }),
        allowedOrigins: [pageUrl],
      });
      serverUrl = `http://127.0.0.1:${(await server.listen({ port: 0, host: '127.0.0.1' })).port}`;
      page = await createPage({
        dir: await builtPage(),
        setup: {
          endpoint: `${serverUrl}/uploads`,
          waysUrl: null,
          storeName: store.bucket,
          services: [{ route: 'files', title: 'Files' }],
        },
        origins: [serverUrl, store.endpoint],
      });
    });
    afterAll(async () => {
      await server?.close();
      pageServer?.closeAllConnections();
      pageServer?.close();
    });

    it('files large and small arrive and are displayed', async () => {
      await store.setCors([{ AllowedOrigins: [pageUrl], AllowedMethods: ['PUT', 'POST'], AllowedHeaders: ['*'] }]);
      const { page, pick, stamped, problems, close } = await visit(browser(), pageUrl);
      const asked: string[] = [];
      page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).origin}`));
      await pick(fixture('camera.jpg').path);
      const image = (await stamped('camera.jpg', 'Received')).locator('img');
      await expectQuadrants(image);
      expect(new URL((await image.getAttribute('src')) ?? '').origin).toBe(serverUrl);
      // Beyond the size up to which forms are used: a PUT, which the browser asks leave for first.
      await page.setInputFiles('#picker', { name: 'large.bin', mimeType: '', buffer: Buffer.alloc(2_500_000, 7) });
      await stamped('large.bin', 'Received');
      expect(new Set([pageUrl, serverUrl, store.endpoint]).size).toBe(3);
      expect(asked).toContain(`POST ${serverUrl}`);
      expect(asked).toContain(`PUT ${store.endpoint}`);
      expect(asked.filter((request) => /^(PUT|POST)/.test(request) && request.endsWith(pageUrl))).toEqual([]);
      expect(problems).toEqual([]);
      await close();
    });

    it('where the store does not let the page in, it says so and what to do', async () => {
      await store.setCors([]);
      const { page, slip, stamped, problems, close } = await visit(browser(), pageUrl);
      await page.setInputFiles('#picker', { name: 'large.bin', mimeType: '', buffer: Buffer.alloc(2_500_000, 8) });
      await stamped('large.bin', 'Held up');
      expect(await slip('large.bin').locator('.verdict').textContent()).toBe(
        'The store does not let this page in. Its CORS rules must name this page’s address. The developer console says which.',
      );
      await store.setCors(openCors);
      await slip('large.bin').getByRole('button', { name: 'Try again' }).click();
      await stamped('large.bin', 'Received');
      expect(problems).toEqual([]);
      await close();
    });

    it('where the server does not let the page in, nothing is sent', async () => {
      const { page, stamped, close } = await visit(browser(), pageUrl.replace('127.0.0.1', 'localhost'));
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).origin));
      await page.setInputFiles('#picker', { name: 'a.bin', mimeType: '', buffer: Buffer.alloc(1000, 8) });
      await stamped('a.bin', 'Held up');
      expect(asked).not.toContain(store.endpoint);
      await close();
    });
  });
});
