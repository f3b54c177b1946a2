/**
 * Crashes of a process at every call to the storage and to the ledger, before the call and after it, while an upload is
 * rejected, expires or is deleted. The callback must run all the same, and may run twice only where the process crashed
 * inside it, which the ledger counts.
 */
import { expect, it } from 'vitest';
import type { Storage } from '../../src/s3/index.ts';
import { type Ledger, type Owner, route } from '../../src/server/index.ts';
import { crashStorageOrLedgerAt, crashTimes, endsWithoutCrash } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { hour } from '../support/sweep-app.ts';
import { isFullSize } from '../support/test-size.ts';

type App = ReturnType<typeof createTestApp>;

interface Scenario {
  state: 'rejected' | 'expired' | 'deleted';
  /** The call that crashes. */
  change: (app: App, upload: { uploadId: string; grant: string }) => Promise<unknown>;
}

const scenarios: [string, Scenario][] = [
  ['onReject', { state: 'rejected', change: (app, { grant }) => app.complete(grant) }],
  ['onExpire', { state: 'expired', change: (app) => app.uploads.sweep() }],
  ['onDelete', { state: 'deleted', change: (app, { uploadId }) => app.uploads.deleteFile(`a/anna/${uploadId}.png`) }],
];

forEachStore(
  'a process that crashes',
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      it.each(scenarios)(
        '%s runs after a crash at any call',
        async (name, { state, change }) => {
          const clock = { offset: 0 };
          const now = () => Date.now() + clock.offset;
          const called: string[] = [];
          const storage = store.storage({ bucket: await store.createBucket() });
          const ledger = await testLedger.open({ now });
          const create = (ownStorage: Storage, ownLedger: Ledger) =>
            createTestApp(
              ownStorage,
              {
                a: route({
                  limits: { maxBytes: 100_000 },
                  authorize: (): Owner => ({ ownerId: 'anna' }),
                  quota: { maxFiles: 100_000 },
                  inspect: () => (state === 'rejected' ? { reject: 'No.' } : undefined),
                  [name]: ({ uploadId }: { uploadId: string }) => {
                    called.push(uploadId);
                  },
                }),
              },
              { ledger: ownLedger, now },
            );
          const app = create(storage, ledger);
          const crashes: string[] = [];
          for (let nth = 1, ended = false; !ended; nth += 1)
            for (const when of crashTimes(nth, testLedger.name === 'sqlite' ? 'before' : 'after')) {
              const upload = await app.grant(png);
              if (state !== 'expired') await send(upload.request, png);
              if (state === 'deleted') await app.complete(upload.grant);
              if (state === 'expired') clock.offset += 2 * hour;
              const crashing = crashStorageOrLedgerAt(storage, ledger, nth, when);
              ended = await endsWithoutCrash(change(create(crashing.storage, crashing.ledger), upload), crashing.state);
              if (ended) break;
              const where = `${when} ${crashing.state.at}`;
              crashes.push(where);
              // Repeats the change, which the crash may have prevented. The sweep does the rest.
              clock.offset += 2 * hour;
              await change(app, upload);
              clock.offset += 2 * hour;
              const report = await app.uploads.sweep();
              expect([where, report.failed]).toEqual([where, 0]);
              const record = await ledger.find(upload.uploadId);
              expect([where, record?.state, record?.pendingCallback]).toEqual([where, state, null]);
              const times = called.filter((id) => id === upload.uploadId).length;
              expect([where, times >= 1]).toEqual([where, true]);
              expect([where, times]).toEqual([where, Math.min(times, 1 + (record?.callback.interruptions ?? 0))]);
            }
          for (const method of ['takeEndCallback', 'recordEndCallbackReturn'])
            expect(crashes.filter((where) => where.includes(method))).toHaveLength(isFullSize ? 2 : 1);
          expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 0, pendingFiles: 0 });
        },
        300_000,
      );
    });
  },
  // The test crashes often, so it runs only on the fast store.
  { only: ['devstore'] },
);
