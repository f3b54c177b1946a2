/** The page, the server and the storage on three origins, with real CORS preflights and with missing CORS rules. */
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

describeBrowser('on three origins', (browser) => {
  forEachStore('with a storage', (store) => {
    let pageServer: Server;
    let server: DevServer;
    let pageUrl: string;
    let serverUrl: string;

    beforeAll(async () => {
      // The server needs the page's origin and the page needs the server's, so the page listens first and is set later.
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
          transferStatsUrl: null,
          storageName: store.bucket,
          routes: [{ route: 'files', title: 'Files' }],
        },
        origins: [serverUrl, store.endpoint],
      });
    });
    afterAll(async () => {
      await server?.close();
      pageServer?.closeAllConnections();
      pageServer?.close();
    });

    it('small and large files are sent and displayed', async () => {
      await store.setCors([{ AllowedOrigins: [pageUrl], AllowedMethods: ['PUT', 'POST'], AllowedHeaders: ['*'] }]);
      const { page, choose, waitForBadge, problems, close } = await visit(browser(), pageUrl);
      const requests: string[] = [];
      page.on('request', (request) => requests.push(`${request.method()} ${new URL(request.url()).origin}`));
      await choose(fixture('camera.jpg').path);
      const image = (await waitForBadge('camera.jpg', 'Received')).locator('.thumbnail .stored');
      await expectQuadrants(image);
      expect(new URL((await image.getAttribute('src')) ?? '').origin).toBe(serverUrl);
      // Above the size limit for forms, the client sends a PUT, which needs a preflight.
      await page.setInputFiles('#picker', { name: 'large.bin', mimeType: '', buffer: Buffer.alloc(2_500_000, 7) });
      await waitForBadge('large.bin', 'Received');
      expect(new Set([pageUrl, serverUrl, store.endpoint]).size).toBe(3);
      expect(requests).toContain(`POST ${serverUrl}`);
      expect(requests).toContain(`PUT ${store.endpoint}`);
      expect(requests.filter((request) => /^(PUT|POST)/.test(request) && request.endsWith(pageUrl))).toEqual([]);
      expect(problems).toEqual([]);
      await close();
    });

    it('a storage without CORS rules is reported, with what to do', async () => {
      await store.setCors([]);
      const { page, row, waitForBadge, problems, close } = await visit(browser(), pageUrl);
      await page.setInputFiles('#picker', { name: 'large.bin', mimeType: '', buffer: Buffer.alloc(2_500_000, 8) });
      await waitForBadge('large.bin', 'Held up');
      expect(await row('large.bin').locator('.problem').textContent()).toBe(
        'The storage does not accept this page. Its CORS rules must name this page’s address. The developer console says which.',
      );
      await store.setCors(openCors);
      await row('large.bin').getByRole('button', { name: 'Try again' }).click();
      await waitForBadge('large.bin', 'Received');
      expect(problems).toEqual([]);
      await close();
    });

    // Says nothing about the storage, so one is enough.
    if (store.name !== 'devstore') return;
    it('nothing is sent when the server does not allow the origin of the page', async () => {
      const { page, waitForBadge, close } = await visit(browser(), pageUrl.replace('127.0.0.1', 'localhost'));
      const requests: string[] = [];
      page.on('request', (request) => requests.push(new URL(request.url()).origin));
      await page.setInputFiles('#picker', { name: 'a.bin', mimeType: '', buffer: Buffer.alloc(1000, 8) });
      await waitForBadge('a.bin', 'Held up');
      expect(requests).not.toContain(store.endpoint);
      await close();
    });
  });
});
