/**
 * F8: every callback completes, is retried, or is parked; one that returned is not run again.
 * Attack ids: docs/threat-model.md.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Ledger, route, type UploadsOptions } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { forEachStore } from '../support/stores.ts';
import { type App, completedOf, errorOf, png, send, startApp } from './app.ts';

const day = 86_400_000;

type Callback = (upload: { metadata: unknown; uploadId: string }) => unknown;

/** Options for an app whose route has the given callback. */
function optionsWith(onComplete: Callback, routeOptions: object = {}): Partial<UploadsOptions> {
  return {
    // A prefix of its own, because other tests leave uploads in this bucket.
    stagingPrefix: `incoming-${randomUUID()}/`,
    routes: {
      files: route({
        limits: { maxBytes: 1024 * 1024, contentTypes: ['*/*'] },
        authorize: () => ({ ownerId: 'alice' }),
        metadata: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
        onComplete,
        ...routeOptions,
      } as never),
    },
  };
}

/** Values that an app may throw (more in `src/server/shared/describe.test.ts`). Each call makes a new one. */
const thrown: Readonly<Record<string, () => unknown>> = {
  'an error with a NUL': () => new Error('no album called a\0b'),
  'an object without a prototype': () => Object.create(null),
};

const unserialisable: Readonly<Record<string, () => unknown>> = {
  'a cycle': () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    return cycle;
  },
  'a toJSON that throws': () => ({
    toJSON() {
      throw new Error('no JSON');
    },
  }),
  'a getter that throws undefined': () => ({
    get id() {
      throw undefined;
    },
  }),
};

forEachStore(
  'callbacks',
  (store) => {
    const started: App[] = [];
    async function start(options: Partial<UploadsOptions>): Promise<App> {
      const app = await startApp(store, options as never);
      started.push(app);
      return app;
    }
    afterEach(async () => {
      await Promise.all(started.splice(0).map((each) => each.stop()));
    });

    function testReturnedValues(open: () => Promise<Ledger | undefined>): void {
      const withLedger = async () => {
        const ledger = await open();
        return ledger ? { ledger } : {};
      };

      it.each(Object.entries(unserialisable))(
        'F8 a callback that returned %s is not run again, and its data is null',
        async (_, make) => {
          let calls = 0;
          const callback = () => {
            calls += 1;
            return make();
          };
          const app = await start({ ...optionsWith(callback), ...(await withLedger()) });
          const upload = await app.grant(png);
          await send(upload.request, png);
          for (let time = 0; time < 3; time += 1) {
            const answer = await app.complete(upload.grant);
            expect({ status: answer.status, data: completedOf(answer).data }).toEqual({
              status: 200,
              data: null,
            });
          }
          expect(calls).toBe(1);
          expect(app.events).toContainEqual(expect.objectContaining({ type: 'callback.data_dropped' }));
        },
      );

      it('F8 a BigInt from a callback is recorded as decimal digits, and the callback runs once', async () => {
        let calls = 0;
        const callback = () => {
          calls += 1;
          return { id: 9_007_199_254_740_993n };
        };
        const app = await start({ ...optionsWith(callback), ...(await withLedger()) });
        const upload = await app.grant(png);
        await send(upload.request, png);
        const first = await app.complete(upload.grant);
        expect(first.body.results?.[0]).toMatchObject({ data: { id: '9007199254740993' } });
        expect((await app.complete(upload.grant)).body).toEqual(first.body);
        expect(calls).toBe(1);
      });
    }

    describe('without a ledger', () => {
      testReturnedValues(async () => undefined);
    });

    forEachLedger('ledger', (testLedger) => {
      testReturnedValues(() => testLedger.open());

      it('F8 a callback that returned is not run again when recording its result fails at first', async () => {
        let calls = 0;
        let failures = 2;
        const ledger = new Proxy(await testLedger.open(), {
          get(target, name) {
            const value = Reflect.get(target, name, target);
            if (name !== 'end') return typeof value === 'function' ? value.bind(target) : value;
            return async (...args: Parameters<Ledger['end']>) => {
              failures -= 1;
              if (failures >= 0) throw new Error('The database is restarting.');
              return target.end(...args);
            };
          },
        });
        const callback = () => {
          calls += 1;
          return { calls };
        };
        const app = await start({ ...optionsWith(callback), ledger });
        const upload = await app.grant(png);
        await send(upload.request, png);
        expect(errorOf(await app.complete(upload.grant))).toBe('ledger_unavailable');
        expect(errorOf(await app.complete(upload.grant))).toBe('ledger_unavailable');
        expect((await app.complete(upload.grant)).body.results?.[0]).toMatchObject({ data: { calls: 1 } });
        expect(calls).toBe(1);
      });

      it.each(Object.entries(thrown))(
        'F8 a callback that always throws %s is parked after twelve attempts',
        async (_, make) => {
          let offset = 0;
          const now = () => Date.now() + offset;
          const calls: string[] = [];
          const callback = ({ uploadId }: { uploadId: string }) => {
            calls.push(uploadId);
            throw make();
          };
          const ledger = await testLedger.open({ now });
          const app = await start({ ...optionsWith(callback), ledger, now });
          const upload = await app.grant(png);
          await send(upload.request, png);
          expect(errorOf(await app.complete(upload.grant))).toBe('callback_failed');
          for (let round = 0; round < 14; round += 1) {
            offset += 3_700_000;
            await app.uploads.sweep({ graceSeconds: 0 });
          }
          const record = await ledger.find(upload.uploadId);
          expect(record?.state).toBe('completing');
          expect(record?.callback.parkedAt).not.toBeNull();
          expect(record?.callback.lastError?.length).toBeGreaterThan(0);
          expect(calls.filter((uploadId) => uploadId === upload.uploadId)).toHaveLength(12);
        },
      );

      it('F8 a callback of an upload that shares its file is retried by the sweep', async () => {
        let offset = 0;
        const now = () => Date.now() + offset;
        const ledger = await testLedger.open({ now });
        let failing = false;
        const calls: string[] = [];
        const callback = (upload: { uploadId: string }) => {
          calls.push(upload.uploadId);
          if (failing) throw new Error('The database of the app is down.');
          return null;
        };
        const app = await start({ ...optionsWith(callback, { dedupe: true }), ledger, now });
        await app.store(png);
        failing = true;
        const granted = await app.tryGrant(png, {}, { transfers: ['put', 'none'] } as never);
        const shared = granted.body.uploads?.[0] as { grant: string; uploadId: string; transfer: string };
        expect(shared.transfer).toBe('none');
        expect(errorOf(await app.complete(shared.grant))).toBe('callback_failed');
        failing = false;
        offset += day;
        await app.uploads.sweep({ graceSeconds: 0 });
        expect(calls.filter((uploadId) => uploadId === shared.uploadId)).toHaveLength(2);
        expect((await ledger.find(shared.uploadId))?.state).toBe('completed');
      });
    });
  },
  { only: ['devstore'] },
);
