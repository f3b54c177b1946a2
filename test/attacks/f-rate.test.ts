/** F2: more than one may ask for. */
import { afterEach, describe, expect, inject, it } from 'vitest';
import { postgresRateLimits } from '../../src/ledger/postgres.ts';
import type { UploadsEvent, UploadsOptions } from '../../src/server/index.ts';
import { createTestDatabase, onServer } from '../support/postgres.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, errorOf, png, startApp } from './app.ts';

type RateLimit = NonNullable<UploadsOptions['rateLimit']>;

forEachStore(
  'rate limits',
  (store) => {
    const started: App[] = [];
    async function start(rateLimit: RateLimit, onEvent: (event: UploadsEvent) => void = () => {}): Promise<App> {
      const clientAddress: UploadsOptions['clientAddress'] = (request) => request.header('x-address');
      const app = await startApp(store, { rateLimit, clientAddress, onEvent } as never);
      started.push(app);
      return app;
    }
    afterEach(async () => {
      await Promise.all(started.splice(0).map((one) => one.stop()));
    });

    it('F2 an owner gets no more grants than the limit, over requests and files, and others do', async () => {
      const app = await start({ perOwner: { points: 5, perSeconds: 600 } });
      const files = await Promise.all([1, 2, 3].map(() => app.declare(png)));
      const ask = (user: string) => app.call('POST', '/uploads', { route: 'files', files }, { 'x-user': user });
      expect((await ask('alice')).status).toBe(200);
      const refused = await ask('alice');
      expect([refused.status, errorOf(refused)]).toEqual([429, 'rate_limited']);
      expect(refused.body.uploads).toBeUndefined();
      const wait = Number(refused.headers['retry-after']);
      expect(wait).toBeGreaterThan(500);
      expect(wait).toBeLessThanOrEqual(600);
      expect((await ask('bob')).status).toBe(200);
    });

    it('F2 an address is counted before the body is read, and before anybody is asked who it is', async () => {
      const app = await start({ perAddress: { points: 3, perSeconds: 600 } });
      const ask = (address: string, body: unknown = 'not json') =>
        app.call('POST', '/uploads', body, { 'x-address': address, 'x-user': '' });
      for (let n = 0; n < 3; n += 1) expect((await ask('203.0.113.1')).status).toBe(400);
      const refused = await ask('203.0.113.1', { route: 'files', files: [] });
      expect([refused.status, errorOf(refused)]).toEqual([429, 'rate_limited']);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(500);
      expect((await ask('203.0.113.2')).status).toBe(400);
      // Other addresses of the same network are the same subscriber.
      for (let n = 1; n <= 3; n += 1) expect((await ask(`2001:db8:1:2::${n}`)).status).toBe(400);
      expect((await ask('2001:db8:1:2:ffff::9')).status).toBe(429);
      expect((await ask('2001:db8:1:3::1')).status).toBe(400);
      // What changes nothing is not counted.
      expect((await app.call('GET', '/uploads/routes/files', undefined, { 'x-address': '203.0.113.1' })).status).toBe(
        200,
      );
    });

    it('F2 a limit by address without a way to know it does not start', async () => {
      await expect(
        startApp(store, { rateLimit: { perAddress: { points: 1, perSeconds: 1 } } } as never),
      ).rejects.toMatchObject({
        code: 'config_invalid',
      });
      for (const rateLimit of [{ perOwner: { points: 0, perSeconds: 1 } }, { perUser: {} }, { perOwner: 5 }, {}])
        await expect(startApp(store, { rateLimit } as never)).rejects.toMatchObject({ code: 'config_invalid' });
    });

    it('F2 what no period would ever allow is refused for good, not for later', async () => {
      const app = await start({ perOwner: { points: 2, perSeconds: 600 } });
      const files = await Promise.all([1, 2, 3].map(() => app.declare(png)));
      const refused = await app.call('POST', '/uploads', { route: 'files', files });
      expect([refused.status, errorOf(refused)]).toEqual([422, 'too_many_files']);
      expect(refused.headers['retry-after']).toBeUndefined();
      expect((await app.tryGrant(png)).status).toBe(200);
    });

    it('F2 a counter that does not answer opens no door: each process counts alone, and says so', async () => {
      const rate = { points: 3, perSeconds: 600 };
      let asked = 0;
      const broken = async () => {
        asked += 1;
        throw new Error('connect ECONNREFUSED');
      };
      for (const open of [broken, () => ({ consume: broken })]) {
        asked = 0;
        const events: UploadsEvent[] = [];
        const app = await start({ perOwner: rate, store: { open } }, (event) => events.push(event));
        const statuses: number[] = [];
        for (let n = 0; n < 5; n += 1) statuses.push((await app.tryGrant(png)).status);
        expect(statuses).toEqual([200, 200, 200, 429, 429]);
        // And is left alone for a while.
        expect(asked).toBe(1);
        expect(events.filter(({ type }) => type === 'rate_limit.failed')).toMatchObject([
          { counter: 'owner', reason: expect.stringContaining('ECONNREFUSED') },
        ]);
      }
    });

    const postgres = inject('postgres');
    describe.skipIf(!postgres)('over replicas', () => {
      it('F2 the limit holds', async () => {
        const database = await createTestDatabase(postgres?.url ?? '');
        const stores = [1, 2].map(() => postgresRateLimits({ connectionString: database.url }));
        try {
          const rate = { points: 10, perSeconds: 600 };
          const apps = [
            await start({ perOwner: rate, store: stores[0] as never }),
            await start({ perOwner: rate, store: stores[1] as never }),
          ];
          const answers = await Promise.all(
            Array.from({ length: 40 }, async (_, n) => (apps[n % 2] as App).tryGrant(png).then(({ status }) => status)),
          );
          expect(answers.filter((status) => status === 200)).toHaveLength(10);
          expect(answers.filter((status) => status === 429)).toHaveLength(30);
        } finally {
          await Promise.all(stores.map((one) => one.close()));
          await database.drop();
        }
      });

      it('F2 no owner or address is one that the database cannot hold', async () => {
        const database = await createTestDatabase(postgres?.url ?? '');
        const store = postgresRateLimits({ connectionString: database.url });
        const events: UploadsEvent[] = [];
        try {
          const rate = { points: 2, perSeconds: 600 };
          const app = await start({ perAddress: rate, store }, (event) => events.push(event));
          for (const address of ['x'.repeat(3000), 'caf\u00e9']) {
            const statuses: number[] = [];
            for (let n = 0; n < 3; n += 1)
              statuses.push((await app.call('POST', '/uploads', 'not json', { 'x-address': address })).status);
            expect(statuses).toEqual([400, 400, 429]);
          }
          expect(events.filter(({ type }) => type === 'rate_limit.failed')).toEqual([]);
        } finally {
          await store.close();
          await database.drop();
        }
      });

      it('F2 the limit holds for a server that may not create tables', async () => {
        const database = await createTestDatabase(postgres?.url ?? '');
        const role = `limited_${new URL(database.url).pathname.slice(1)}`;
        const own = new URL(database.url);
        own.username = role;
        own.password = 'word';
        const stores = [database.url, own.href].map((connectionString) => postgresRateLimits({ connectionString }));
        const events: UploadsEvent[] = [];
        try {
          const startOn = (store: RateLimit['store']) =>
            start({ perOwner: { points: 2, perSeconds: 600 }, store: store as never }, (event) => events.push(event));
          const [first, second] = [await startOn(stores[0]), await startOn(stores[1])];
          expect((await first.tryGrant(png)).status).toBe(200);
          await onServer(database.url, `create role ${role} login password 'word'`);
          await onServer(database.url, `grant select, insert, update, delete on waybill_rates to ${role}`);
          const statuses = [(await second.tryGrant(png)).status, (await second.tryGrant(png)).status];
          expect(statuses).toEqual([200, 429]);
          expect(events.filter(({ type }) => type === 'rate_limit.failed')).toEqual([]);
        } finally {
          await Promise.all(stores.map((one) => one.close()));
          await database.drop();
          await onServer(postgres?.url ?? '', `drop role if exists ${role}`);
        }
      });

      it('F2 a database that is gone stops no upload, and frees nobody', async () => {
        const database = await createTestDatabase(postgres?.url ?? '');
        const store = postgresRateLimits({ connectionString: database.url });
        try {
          const events: UploadsEvent[] = [];
          const app = await start({ perOwner: { points: 2, perSeconds: 600 }, store }, (event) => events.push(event));
          expect((await app.tryGrant(png)).status).toBe(200);
          await database.drop();
          const statuses: number[] = [];
          for (let n = 0; n < 3; n += 1) statuses.push((await app.tryGrant(png)).status);
          expect(statuses).toEqual([200, 200, 429]);
          expect(events.filter(({ type }) => type === 'rate_limit.failed')).toHaveLength(1);
        } finally {
          await store.close();
        }
      });
    });
  },
  { only: ['devstore'] },
);
