/**
 * A7: on a route for `anyone` each request has a new owner, so limits per owner must count addresses.
 * Attack ids: docs/threat-model.md.
 */
import { afterEach, expect, it } from 'vitest';
import { anyone, createUploads, route, type UploadsOptions } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, errorOf, png, secret, send, startApp } from './app.ts';

const limits = { maxBytes: 1024 * 1024, contentTypes: ['*/*'] };
const perOwner = { points: 3, perSeconds: 3600 };
const clientAddress: UploadsOptions['clientAddress'] = (request) => request.header('x-address');

forEachStore(
  'a route for anyone',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      const started: App[] = [];
      async function start(options: Partial<UploadsOptions>, routeOptions = {}): Promise<App> {
        const routes = { files: route({ limits, authorize: anyone, ...routeOptions }) };
        const app = await startApp(store, { ledger: await testLedger.open(), routes, ...options } as never);
        started.push(app);
        return app;
      }
      afterEach(async () => {
        await Promise.all(started.splice(0).map((app) => app.stop()));
      });
      const sendNothing = (app: App, address: string) =>
        app.call('POST', '/uploads', undefined, { 'x-address': address });
      async function requestGrant(app: App, address: string) {
        const files = [await app.declare(png)];
        return app.call('POST', '/uploads', { route: 'files', files }, { 'x-address': address });
      }
      const owners = async (app: App) => (await app.uploads.ledger?.usageByOwner({ limit: 1000 }))?.owners ?? [];

      it('A7 createUploads() refuses limits per owner for anyone without clientAddress', async () => {
        const ledger = await testLedger.open();
        const base = { storage: store.storage(), secret, ledger };
        const open = route({ limits, authorize: anyone });
        const bounded = route({ limits, authorize: anyone, quota: { maxFiles: 1 } });
        const signedIn = route({ limits, authorize: () => ({ ownerId: 'alice' }), quota: { maxFiles: 1 } });
        const refused: [string, Partial<UploadsOptions>][] = [
          ['quota', { routes: { open }, quota: { maxFiles: 1 } }],
          ['routes.bounded.quota', { routes: { signedIn, bounded } }],
          ['rateLimit.perOwner', { routes: { signedIn, open }, rateLimit: { perOwner } }],
        ];
        for (const [option, options] of refused) {
          const make = (more: Partial<UploadsOptions> = {}) => createUploads({ ...base, ...options, ...more } as never);
          expect(() => make()).toThrowError(
            expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(`\`${option}\``) }),
          );
          make({ clientAddress });
        }
        createUploads({ ...base, routes: { signedIn, open } } as never);
      });

      it('A7 rateLimit.perOwner counts by address on a route for anyone', async () => {
        const app = await start({ rateLimit: { perOwner }, clientAddress });
        const statuses: number[] = [];
        for (let n = 0; n < 5; n += 1) statuses.push((await requestGrant(app, '203.0.113.1')).status);
        expect(statuses).toEqual([200, 200, 200, 429, 429]);
        expect((await requestGrant(app, '203.0.113.2')).status).toBe(200);
        for (let n = 0; n < 3; n += 1) expect((await requestGrant(app, `2001:db8::${n}`)).status).toBe(200);
        expect((await requestGrant(app, '2001:db8::ffff')).status).toBe(429);
        expect((await sendNothing(app, '203.0.113.1')).status).toBe(400);
      });

      it('A7 the quota counts pending and stored files by address on a route for anyone', async () => {
        const app = await start({ quota: { maxFiles: 2 }, clientAddress }, { quota: { maxFiles: 10 } });
        const granted = await requestGrant(app, '203.0.113.1');
        const upload = granted.body.uploads?.[0];
        if (!upload || 'error' in upload) throw new Error(granted.text);
        await send(upload.request, png);
        expect((await app.complete(upload.grant)).status).toBe(200);
        expect((await requestGrant(app, '203.0.113.1')).status).toBe(200);
        expect(errorOf(await requestGrant(app, '203.0.113.1'))).toBe('quota_exceeded');
        expect((await requestGrant(app, '203.0.113.2')).status).toBe(200);
        expect(JSON.stringify(await owners(app))).not.toContain('203.0.113');
        expect(await owners(app)).toHaveLength(2);
      });

      it('A7 anonymous calls leave no owner rows after their uploads have ended', async () => {
        const app = await start({});
        const grants: string[] = [];
        for (let n = 0; n < 30; n += 1) {
          const upload = (await requestGrant(app, '')).body.uploads?.[0];
          if (upload && 'grant' in upload) grants.push(upload.grant);
        }
        expect(grants).toHaveLength(30);
        expect(await owners(app)).toHaveLength(30);
        expect((await app.abort(grants)).status).toBe(200);
        expect(await owners(app)).toEqual([]);
      });

      it('A7 a grant that the quota refuses leaves no owner row', async () => {
        const app = await start({ quota: { maxFiles: 0 }, clientAddress });
        for (let n = 0; n < 10; n += 1)
          expect(errorOf(await requestGrant(app, `203.0.113.${n}`))).toBe('quota_exceeded');
        expect(await owners(app)).toEqual([]);
      });
    });
  },
  { only: ['devstore'] },
);
