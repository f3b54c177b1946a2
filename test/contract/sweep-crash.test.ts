/**
 * A sweep may die at any request to the storage and at any statement to its ledger, before it was heard or before its
 * answer came. Each of them is tried: the next sweep ends what it began.
 */
import { expect, it } from 'vitest';
import { crashStorageAt, crashStorageOrLedgerAt } from '../support/crashing.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket } from '../support/sweep-app.ts';

const [one, two] = [pngOf(partSize), pngOf(2 * partSize)];

forEachStore(
  'a sweep that dies',
  (store) => {
    it('without a ledger', async () => {
      const storage = store.storage({ bucket: await store.createBucket() });
      const clock = { offset: 0 };
      const alive = createSweepApp({ storage, ledger: undefined, clock });
      const tried: string[] = [];
      for (let nth = 1, over = false; !over; nth += 1) {
        const sent = await alive.app.grant(png);
        await send(sent.request, png);
        const whole = await alive.parts.begin(one);
        await alive.parts.send(whole.grant, one);
        const half = await alive.parts.begin(two);
        await alive.parts.send(half.grant, two, [1]);
        clock.offset += 30 * hour;
        const when = nth % 2 ? 'before' : 'after';
        const dying = crashStorageAt(storage, nth, when);
        const doomed = createSweepApp({ storage: dying.storage, ledger: undefined, clock });
        const ended = doomed.app.uploads.sweep().then(() => true);
        const died = expect.poll(() => dying.state.hasCrashed, { interval: 2, timeout: 30_000 }).toBe(true);
        over = await Promise.race([ended, died.then(() => false)]);
        died.catch(() => {});
        const where = [when, dying.state.at];
        if (!over) tried.push(where.join(' '));
        clock.offset += 2 * hour;
        let report = await alive.app.uploads.sweep();
        // What the dead one had sent beside its last request may arrive only now, and come between: the next tries
        // again.
        if (report.failed > 0) {
          clock.offset += 2 * hour;
          report = await alive.app.uploads.sweep();
        }
        expect([...where, report.failed]).toEqual([...where, 0]);
        const left = await listBucket(storage, 'incoming/');
        expect([...where, left.filter((key) => !key.includes('.waybill/'))]).toEqual([...where, []]);
        for (const { uploadId } of [sent, whole]) {
          expect([...where, (await storage.head(`a/anna/${uploadId}.png`)) !== null]).toEqual([...where, true]);
          expect([...where, [...alive.announced, ...doomed.announced].includes(uploadId)]).toEqual([...where, true]);
        }
        expect(alive.announced).not.toContain(half.uploadId);
      }
      expect(tried.length).toBeGreaterThan(20);
    }, 600_000);

    forEachLedger('in', (place) => {
      it('with one', async () => {
        const storage = store.storage({ bucket: await store.createBucket() });
        const clock = { offset: 0 };
        const ledger = await place.open({ now: () => Date.now() + clock.offset });
        const alive = createSweepApp({ storage, ledger, clock });
        let tried = 0;
        for (let nth = 1, over = false; !over; nth += 1) {
          const sent = await alive.app.grant(png);
          await send(sent.request, png);
          const never = await alive.app.grant(png);
          const half = await alive.parts.begin(two);
          await alive.parts.send(half.grant, two, [1]);
          clock.offset += 30 * hour;
          const dying = crashStorageOrLedgerAt(storage, ledger, nth, nth % 2 ? 'before' : 'after');
          const doomed = createSweepApp({ storage: dying.storage, ledger: dying.ledger, clock });
          const ended = doomed.app.uploads.sweep().then(() => true);
          const died = expect.poll(() => dying.state.hasCrashed, { interval: 2, timeout: 30_000 }).toBe(true);
          over = await Promise.race([ended, died.then(() => false)]);
          died.catch(() => {});
          if (!over) tried += 1;
          clock.offset += 2 * hour;
          await alive.app.uploads.sweep();
          const states = await ledger.findMany([sent.uploadId, never.uploadId, half.uploadId]);
          expect([dying.state.at, ...[...states.values()].map(({ state }) => state).sort()]).toEqual([
            dying.state.at,
            'completed',
            'expired',
            'expired',
          ]);
          expect([dying.state.at, await listBucket(storage, 'incoming/')]).toEqual([dying.state.at, []]);
          const record = states.get(sent.uploadId);
          const times = [...alive.announced, ...doomed.announced].filter((id) => id === sent.uploadId).length;
          expect(times).toBeGreaterThanOrEqual(1);
          expect(times).toBeLessThanOrEqual(1 + (record?.callback.interruptions ?? 0));
        }
        expect(tried).toBeGreaterThan(15);
        expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0 });
      }, 600_000);
    });
  },
  // Where there are many requests to die at; the sweep itself meets Ceph in sweep.test.ts.
  { only: ['devstore'] },
);
