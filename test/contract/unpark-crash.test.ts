/**
 * Crashes of a process at every call to the storage and to the ledger while an operator runs a parked callback again.
 * Afterwards the callback is still parked, so that the operator can ask again, or the next sweep runs it.
 */
import { expect, it } from 'vitest';
import { createAdmin } from '../../src/cli/admin/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type Ledger, type Owner, route } from '../../src/server/index.ts';
import { crashStorageOrLedgerAt, crashTimes, endsWithoutCrash } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { hour } from '../support/sweep-app.ts';

forEachStore(
  "a process that crashes after an operator's request",
  (store) => {
    forEachLedger('ledger', (testLedger) => {
      it.each([
        ['onComplete', 'completed'],
        ['onDelete', 'deleted'],
      ])('a parked %s stays parked or runs', async (name, state) => {
        const clock = { offset: 0 };
        const now = () => Date.now() + clock.offset;
        const called: string[] = [];
        let down = true;
        const storage = store.storage({ bucket: await store.createBucket() });
        const ledger = await testLedger.open({ now });
        const callback = ({ uploadId }: { uploadId: string }) => {
          if (down) throw new Error('the database of the app is down');
          called.push(uploadId);
        };
        const routes = {
          a: route({
            limits: { maxBytes: 100_000 },
            authorize: (): Owner => ({ ownerId: 'anna' }),
            [name]: callback,
          }),
        };
        const create = (ownStorage: Storage, ownLedger: Ledger) => {
          const app = createTestApp(ownStorage, routes, { ledger: ownLedger, now });
          const { uploads } = app;
          const onError = (error: unknown) => expect.fail(String(error));
          const admin = createAdmin({ uploads, ledger: ownLedger, hostNames: [], token: undefined, onError });
          const retry = async (uploadId: string) =>
            admin.request(`/retry/${uploadId}`, { method: 'POST', headers: { host: 'localhost' } });
          return { ...app, retry };
        };
        const app = create(storage, ledger);

        async function park(): Promise<string> {
          down = true;
          const { uploadId, grant, request } = await app.grant(png);
          await send(request, png);
          await app.complete(grant);
          if (name === 'onDelete') await app.uploads.deleteFile(`a/anna/${uploadId}.png`);
          clock.offset += 2 * hour;
          const leaseMs = 60_000;
          if (name === 'onDelete') {
            const { fence } = (await ledger.takeEndCallback(uploadId, leaseMs)) ?? expect.fail('not taken');
            await ledger.recordEndCallbackFailure(uploadId, fence, 'down', null);
          } else {
            const lease = await ledger.takeLease(uploadId, leaseMs);
            if (!lease || !('fence' in lease)) expect.fail('not taken');
            await ledger.recordCallbackFailure(uploadId, lease.fence, 'down', null);
          }
          expect((await ledger.find(uploadId))?.callback.parkedAt).not.toBeNull();
          down = false;
          return uploadId;
        }

        let crashes = 0;
        for (let nth = 1, ended = false; !ended; nth += 1)
          for (const when of crashTimes(nth, testLedger.name === 'sqlite' ? 'before' : 'after')) {
            const uploadId = await park();
            const crashing = crashStorageOrLedgerAt(storage, ledger, nth, when);
            const request = create(crashing.storage, crashing.ledger).retry(uploadId);
            ended = await endsWithoutCrash(request, crashing.state);
            const where = ended ? 'no crash' : `${when} ${crashing.state.at}`;
            if (!ended) crashes += 1;
            clock.offset += 2 * hour;
            await app.uploads.sweep();
            const left = await ledger.find(uploadId);
            if (left?.callback.parkedAt) {
              expect([where, called.includes(uploadId)]).toEqual([where, false]);
              expect((await app.retry(uploadId)).status).toBe(303);
              await app.uploads.sweep();
            }
            const record = await ledger.find(uploadId);
            expect([where, record?.state, record?.pendingCallback]).toEqual([where, state, null]);
            const times = called.filter((id) => id === uploadId).length;
            const interruptions = record?.callback.interruptions ?? 0;
            expect([where, times >= 1 && times <= 1 + interruptions]).toEqual([where, true]);
          }
        expect(crashes).toBeGreaterThan(1);
      });
    });
  },
  { only: ['devstore'] },
);
