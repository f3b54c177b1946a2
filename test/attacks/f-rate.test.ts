/** F2: rate limits. Attack ids: docs/threat-model.md. */
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
      await Promise.all(started.splice(0).map((each) => each.stop()));
    });

    it('F2 an owner gets no more grants than the limit, counted over requests and files', async () => {
      const app = await start({ perOwner: { points: 5, perSeconds: 600 } });
      const files = await Promise.all([1, 2, 3].map(() => app.declare(png)));
      const grantThree = (user: string) => app.call('POST', '/uploads', { route: 'files', files }, { 'x-user': user });
      expect((await grantThree('alice')).status).toBe(200);
      const refused = await grantThree('alice');
      expect([refused.status, errorOf(refused)]).toEqual([429, 'rate_limited']);
      expect(refused.body.uploads).toBeUndefined();
      const wait = Number(refused.headers['retry-after']);
      expect(wait).toBeGreaterThan(500);
      expect(wait).toBeLessThanOrEqual(600);
      expect((await grantThree('bob')).status).toBe(200);
    });

    it('F2 an address is counted before the body is read and before authorize is called', async () => {
      const app = await start({ perAddress: { points: 3, perSeconds: 600 } });
      const post = (address: string, body: unknown = 'not json') =>
        app.call('POST', '/uploads', body, { 'x-address': address, 'x-user': '' });
      for (let n = 0; n < 3; n += 1) expect((await post('203.0.113.1')).status).toBe(400);
      const refused = await post('203.0.113.1', { route: 'files', files: [] });
      expect([refused.status, errorOf(refused)]).toEqual([429, 'rate_limited']);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(500);
      expect((await post('203.0.113.2')).status).toBe(400);
      // Addresses of the same /64 network count as one.
      for (let n = 1; n <= 3; n += 1) expect((await post(`2001:db8:1:2::${n}`)).status).toBe(400);
      expect((await post('2001:db8:1:2:ffff::9')).status).toBe(429);
      expect((await post('2001:db8:1:3::1')).status).toBe(400);
      // A call that changes nothing is not counted.
      expect((await app.call('GET', '/uploads/routes/files', undefined, { 'x-address': '203.0.113.1' })).status).toBe(
        200,
      );
    });

    it('F2 createUploads() refuses rateLimit.perAddress without clientAddress', async () => {
      await expect(
        startApp(store, { rateLimit: { perAddress: { points: 1, perSeconds: 1 } } } as never),
      ).rejects.toMatchObject({
        code: 'config_invalid',
      });
      for (const rateLimit of [{ perOwner: { points: 0, perSeconds: 1 } }, { perUser: {} }, { perOwner: 5 }, {}])
        await expect(startApp(store, { rateLimit } as never)).rejects.toMatchObject({ code: 'config_invalid' });
    });

    it('F2 a request with more files than a period allows is refused without Retry-After', async () => {
      const app = await start({ perOwner: { points: 2, perSeconds: 600 } });
      const files = await Promise.all([1, 2, 3].map(() => app.declare(png)));
      const refused = await app.call('POST', '/uploads', { route: 'files', files });
      expect([refused.status, errorOf(refused)]).toEqual([422, 'too_many_files']);
      expect(refused.headers['retry-after']).toBeUndefined();
      expect((await app.tryGrant(png)).status).toBe(200);
    });

    it('F2 a counter that does not answer is replaced by one in each process, and reported', async () => {
      const rate = { points: 3, perSeconds: 600 };
      let calls = 0;
      const broken = async () => {
        calls += 1;
        throw new Error('connect ECONNREFUSED');
      };
      for (const open of [broken, () => ({ consume: broken })]) {
        calls = 0;
        const events: UploadsEvent[] = [];
        const app = await start({ perOwner: rate, store: { open } }, (event) => events.push(event));
        const statuses: number[] = [];
        for (let n = 0; n < 5; n += 1) statuses.push((await app.tryGrant(png)).status);
        expect(statuses).toEqual([200, 200, 200, 429, 429]);
        // The broken counter is not called again for a while.
        expect(calls).toBe(1);
        expect(events.filter(({ type }) => type === 'rate_limit.failed')).toMatchObject([
          { counter: 'owner', reason: expect.stringContaining('ECONNREFUSED') },
        ]);
      }
    });

    const postgres = inject('postgres');
    describe.skipIf(!postgres)('with a counter in Postgres', () => {
      it('F2 the limit holds over two replicas', async () => {
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
          await Promise.all(stores.map((each) => each.close()));
          await database.drop();
        }
      });

      it('F2 any owner or address can be counted in the database', async () => {
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
          await Promise.all(stores.map((each) => each.close()));
          await database.drop();
          await onServer(postgres?.url ?? '', `drop role if exists ${role}`);
        }
      });

      it('F2 the limit holds in memory when the database is gone', async () => {
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
