/**
 * Crashes of a sweep at every call to the storage and every statement to the ledger, before the call and after it. The
 * next sweep must finish the work.
 */
import { expect, it } from 'vitest';
import { crashStorageAt, crashStorageOrLedgerAt, endsWithoutCrash } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket } from '../support/sweep-app.ts';
import { isFullSize } from '../support/test-size.ts';

const [one, two] = [pngOf(partSize), pngOf(2 * partSize)];

/** Every call at full size, and otherwise every second one. */
const step = isFullSize ? 1 : 2;

forEachStore(
  'a sweep that crashes',
  (store) => {
    it('the next sweep without a ledger finishes the work', async () => {
      const storage = store.storage({ bucket: await store.createBucket() });
      const clock = { offset: 0 };
      const sweeper = createSweepApp({ storage, ledger: undefined, clock });
      const crashes: string[] = [];
      for (let nth = 1, ended = false; !ended; nth += step) {
        const sent = await sweeper.app.grant(png);
        await send(sent.request, png);
        const complete = await sweeper.parts.begin(one);
        await sweeper.parts.send(complete.grant, one);
        const half = await sweeper.parts.begin(two);
        await sweeper.parts.send(half.grant, two, [1]);
        clock.offset += 30 * hour;
        const when = Math.ceil(nth / step) % 2 ? 'before' : 'after';
        const crashing = crashStorageAt(storage, nth, when);
        const crashingApp = createSweepApp({ storage: crashing.storage, ledger: undefined, clock });
        ended = await endsWithoutCrash(crashingApp.app.uploads.sweep(), crashing.state);
        const where = [when, crashing.state.at];
        if (!ended) crashes.push(where.join(' '));
        clock.offset += 2 * hour;
        let report = await sweeper.app.uploads.sweep();
        // A request that the crashed sweep had sent may arrive only now and make this sweep fail. The next one
        // succeeds.
        if (report.failed > 0) {
          clock.offset += 2 * hour;
          report = await sweeper.app.uploads.sweep();
        }
        expect([...where, report.failed]).toEqual([...where, 0]);
        const left = await listBucket(storage, 'incoming/');
        expect([...where, left.filter((key) => !key.includes('.waybill/'))]).toEqual([...where, []]);
        for (const { uploadId } of [sent, complete]) {
          expect([...where, (await storage.head(`a/anna/${uploadId}.png`)) !== null]).toEqual([...where, true]);
          expect([...where, [...sweeper.announced, ...crashingApp.announced].includes(uploadId)]).toEqual([
            ...where,
            true,
          ]);
        }
        expect(sweeper.announced).not.toContain(half.uploadId);
      }
      expect(crashes.length).toBeGreaterThan(20 / step);
    }, 600_000);

    forEachLedger('ledger', (testLedger) => {
      it('the next sweep with a ledger finishes the work', async () => {
        const storage = store.storage({ bucket: await store.createBucket() });
        const clock = { offset: 0 };
        const ledger = await testLedger.open({ now: () => Date.now() + clock.offset });
        const sweeper = createSweepApp({ storage, ledger, clock });
        let crashes = 0;
        // Together the two databases crash at every call.
        const first = testLedger.name === 'sqlite' ? 1 : step;
        for (let nth = first, ended = false; !ended; nth += step) {
          const sent = await sweeper.app.grant(png);
          await send(sent.request, png);
          const unsent = await sweeper.app.grant(png);
          const half = await sweeper.parts.begin(two);
          await sweeper.parts.send(half.grant, two, [1]);
          clock.offset += 30 * hour;
          const crashing = crashStorageOrLedgerAt(storage, ledger, nth, Math.ceil(nth / step) % 2 ? 'before' : 'after');
          const crashingApp = createSweepApp({ storage: crashing.storage, ledger: crashing.ledger, clock });
          ended = await endsWithoutCrash(crashingApp.app.uploads.sweep(), crashing.state);
          if (!ended) crashes += 1;
          clock.offset += 2 * hour;
          await sweeper.app.uploads.sweep();
          const states = await ledger.findMany([sent.uploadId, unsent.uploadId, half.uploadId]);
          expect([crashing.state.at, ...[...states.values()].map(({ state }) => state).sort()]).toEqual([
            crashing.state.at,
            'completed',
            'expired',
            'expired',
          ]);
          expect([crashing.state.at, await listBucket(storage, 'incoming/')]).toEqual([crashing.state.at, []]);
          const record = states.get(sent.uploadId);
          const times = [...sweeper.announced, ...crashingApp.announced].filter((id) => id === sent.uploadId).length;
          expect(times).toBeGreaterThanOrEqual(1);
          expect(times).toBeLessThanOrEqual(1 + (record?.callback.interruptions ?? 0));
        }
        expect(crashes).toBeGreaterThan(15 / step);
        expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0 });
      }, 600_000);
    });
  },
  // The test crashes often, so it runs only on the fast store. sweep.test.ts runs the sweep on Ceph.
  { only: ['devstore'] },
);
