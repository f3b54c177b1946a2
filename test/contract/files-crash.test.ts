/**
 * Crashes of a process at every call to the storage and to the ledger, before the call and after it, while `copy()` and
 * `forgetOwner()` run. The sweep ends a copy that was cut off, and the next `forgetOwner()` finishes what the first one
 * began.
 */
import { expect, it } from 'vitest';
import type { Storage } from '../../src/s3/index.ts';
import { type Ledger, route } from '../../src/server/index.ts';
import { crashStorageOrLedgerAt, crashTimes, endsWithoutCrash } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { hour } from '../support/sweep-app.ts';

forEachStore(
  'a process that crashes while it manages files',
  (store) => {
    forEachLedger(
      'ledger',
      (testLedger) => {
        async function start() {
          const clock = { offset: 0 };
          const now = () => Date.now() + clock.offset;
          const storage = store.storage({ bucket: await store.createBucket() });
          const ledger = await testLedger.open({ now });
          let ownerId = 'anna';
          const called: string[] = [];
          const create = (ownStorage: Storage, ownLedger: Ledger) =>
            createTestApp(
              ownStorage,
              {
                a: route({
                  limits: { maxBytes: 100_000 },
                  authorize: () => ({ ownerId }),
                  quota: { maxFiles: 100_000 },
                  onComplete: ({ uploadId }) => {
                    called.push(uploadId);
                  },
                  onDelete: () => undefined,
                }),
              },
              { ledger: ownLedger, now },
            );
          const app = create(storage, ledger);

          async function storeFile(owner: string) {
            ownerId = owner;
            const upload = await app.grant(png);
            await send(upload.request, png);
            const file = (await app.complete(upload.grant)).json.results?.[0]?.file;
            if (!file) throw new Error('Not stored');
            return file;
          }

          /** Runs `change` on a process that crashes at the `nth` call. Returns where; null without a crash. */
          async function crash(
            nth: number,
            when: 'before' | 'after',
            change: (crashing: typeof app) => Promise<unknown>,
          ) {
            const crashing = crashStorageOrLedgerAt(storage, ledger, nth, when);
            const ended = await endsWithoutCrash(change(create(crashing.storage, crashing.ledger)), crashing.state);
            return ended ? null : `${when} ${crashing.state.at}`;
          }

          const keysOf = async (prefix: string) =>
            (await storage.list({ prefix })).objects.map(({ key }) => key).filter((key) => !key.includes('/.waybill/'));
          return { clock, storage, ledger, app, called, storeFile, crash, keysOf };
        }

        it('copy() leaves a whole copy or none, and the sweep ends it', async () => {
          const { clock, ledger, app, called, storeFile, crash, keysOf } = await start();
          const original = await storeFile('anna');
          const crashes: string[] = [];
          for (let nth = 1, hasEnded = false; !hasEnded; nth += 1)
            for (const when of crashTimes(nth)) {
              const ownerId = `owner-${nth}-${when}`;
              const where = await crash(nth, when, ({ uploads }) =>
                uploads.copy(original.uploadId, { to: { ownerId } }),
              );
              hasEnded = where === null;
              if (where !== null) crashes.push(where);
              // The lease of the process has expired, and then the upload, if its bytes are not there.
              for (let sweeps = 0; sweeps < 2; sweeps += 1) {
                clock.offset += 26 * hour;
                expect([where, (await app.uploads.sweep()).failed]).toEqual([where, 0]);
              }
              const { uploads: records } = await ledger.list({ ownerId });
              const stored = records.filter(({ state }) => state === 'completed');
              const ended = records.filter(({ state }) => state === 'expired' || state === 'aborted');
              expect([where, records.length]).toEqual([where, stored.length + ended.length]);
              expect([where, await keysOf(`a/${ownerId}/`)]).toEqual([where, stored.map(({ key }) => key)]);
              for (const { uploadId, callback } of stored) {
                const times = called.filter((id) => id === uploadId).length;
                expect([where, times >= 1 && times <= 1 + callback.interruptions]).toEqual([where, true]);
              }
              expect([where, await app.uploads.usage(ownerId)]).toMatchObject([
                where,
                { storedFiles: stored.length, pendingFiles: 0 },
              ]);
            }
          expect(crashes.length).toBeGreaterThan(5);
          expect(await app.uploads.head(original.url)).toMatchObject({ uploadId: original.uploadId, size: png.length });
          expect(await keysOf('incoming/')).toEqual([]);
        }, 120_000);

        it('forgetOwner() is finished by the next call, and touches no other owner', async () => {
          const { clock, app, storeFile, crash, keysOf } = await start();
          const other = await storeFile('other');
          const crashes: string[] = [];
          for (let nth = 1, hasEnded = false; !hasEnded; nth += 1)
            for (const when of crashTimes(nth)) {
              const ownerId = `owner-${nth}-${when}`;
              await storeFile(ownerId);
              const staged = await app.grant(png);
              await send(staged.request, png);
              await app.grant(png);
              const where = await crash(nth, when, ({ uploads }) => uploads.forgetOwner(ownerId));
              hasEnded = where === null;
              if (where !== null) crashes.push(where);
              clock.offset += 2 * hour;
              let report = await app.uploads.forgetOwner(ownerId);
              if (!report.done) {
                // The process died between the deletion and `onDelete`, which the sweep runs first.
                expect([where, report.busy]).toEqual([where, 1]);
                expect([where, (await app.uploads.sweep()).failed]).toEqual([where, 0]);
                report = await app.uploads.forgetOwner(ownerId);
              }
              expect([where, report]).toMatchObject([where, { done: true, busy: 0 }]);
              expect([where, await keysOf(`a/${ownerId}/`)]).toEqual([where, []]);
              const rows = await testLedger.query('select * from waybill_uploads');
              const usage = await testLedger.query('select * from waybill_usage');
              expect([where, JSON.stringify([rows, usage]).includes(ownerId)]).toEqual([where, false]);
              const { entries } = await app.uploads.audit({ ownerId });
              expect([where, new Set(entries.map(({ action }) => action))]).toEqual([where, new Set(['forgotten'])]);
            }
          expect(crashes.length).toBeGreaterThan(5);
          expect(crashes.some((where) => where.includes('eraseUploads'))).toBe(true);
          expect(await app.uploads.head(other.url)).toMatchObject({ uploadId: other.uploadId });
          expect(await app.uploads.usage('other')).toMatchObject({ storedFiles: 1, pendingFiles: 0 });
        }, 120_000);
      },
      // The process crashes between two calls, which is the same with each database.
      { only: ['sqlite'] },
    );
  },
  // The test crashes often, so it runs only on the fast store.
  { only: ['devstore'] },
);
