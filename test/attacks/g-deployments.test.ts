/** G10: a sweep touches only objects of its own deployment. */
import { describe, expect, it } from 'vitest';
import type { Storage } from '../../src/s3/index.ts';
import { type Ledger, route, type UploadsOptions } from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore } from '../support/stores.ts';
import { hour, listBucket } from '../support/sweep-app.ts';

const owner = () => ({ ownerId: 'anna' });
const bytes = pngOf(2 * partSize);
const old = 'the old secret of more than thirty-two characters';
const fresh = 'the new secret of more than thirty-two characters';

interface Place {
  storage: Storage;
  clock: { offset: number };
}

function deployment({ storage, clock }: Place, options: Partial<UploadsOptions>, refuse = false) {
  const announced: string[] = [];
  const app = createTestApp(
    storage,
    {
      a: route({
        limits: { maxBytes: 100 * 1024 * 1024 },
        authorize: owner,
        inspect: () => (refuse ? { reject: 'No.' } : undefined),
        onComplete: ({ uploadId }) => void announced.push(uploadId),
      }),
    },
    { multipartMinBytes: partSize, now: () => Date.now() + clock.offset, ...(options as object) },
  );
  return { ...app, parts: createParts(app), announced };
}

forEachStore('deployments', (store) => {
  const place = async (): Promise<Place> => ({
    storage: store.storage({ bucket: await store.createBucket() }),
    clock: { offset: 0 },
  });

  describe('without a ledger', () => suite(async () => undefined));
  forEachLedger('with one each in', (ledgers) =>
    suite((clock, again) => (again ? ledgers.reopen : ledgers.open)({ now: () => Date.now() + clock.offset })),
  );

  function suite(openLedger: (clock: { offset: number }, again?: boolean) => Promise<Ledger | undefined>) {
    it.each<[string, Partial<UploadsOptions>, Partial<UploadsOptions>]>([
      ['secrets', { secret: old }, { secret: fresh }],
      ['names', { deployment: 'one' }, { deployment: 'two' }],
    ])('G10 a sweep leaves the uploads of a deployment with other %s alone', async (_, mine, others) => {
      const here = await place();
      const ledger = await openLedger(here.clock);
      // The other one has no ledger: what is on its record cannot save its uploads.
      const its = deployment(here, others);
      const ours = deployment(here, { ...mine, ...(ledger ? { ledger } : {}) }, true);
      const [arrived, ended] = [await its.grant(png), await its.grant(png)];
      for (const { request } of [arrived, ended]) expect(await send(request, png)).toBe(200);
      await its.complete(ended.grant);
      const inParts = await its.parts.begin(bytes);
      await its.parts.send(inParts.grant, bytes, [1]);
      const before = await listBucket(here.storage);
      here.clock.offset = 60 * 24 * hour;
      const report = await ours.uploads.sweep(ledger ? { deleteOrphans: true, orphanPrefix: '' } : {});
      expect(report).toMatchObject({ completed: 0, rejected: 0, aborted: 0, deleted: 0, failed: 0 });
      if (ledger) await ours.uploads.sweep({ deleteOrphans: true, orphanPrefix: 'a/' });
      expect(await listBucket(here.storage)).toEqual(before);
      // Nor does anything else of it: an event, a grant, an operator's call.
      expect(await ours.uploads.completeObject(`incoming/${arrived.uploadId}`)).toBeNull();
      expect((await ours.complete(arrived.grant)).json.error?.code).toBe('grant_invalid');
      here.clock.offset = hour;
      await its.uploads.sweep();
      expect(its.announced.sort()).toEqual([arrived.uploadId, ended.uploadId].sort());
    });

    it('G10 a sweep still finds what was granted under a secret that is rotated out', async () => {
      const here = await place();
      const ledger = await openLedger(here.clock);
      const before = deployment(here, { secret: old, ...(ledger ? { ledger } : {}) });
      const upload = await before.grant(png);
      expect(await send(upload.request, png)).toBe(200);
      const inParts = await before.parts.begin(bytes);
      await before.parts.send(inParts.grant, bytes, [1]);
      const ledgerAgain = ledger && (await openLedger(here.clock, true));
      const after = deployment(here, { secret: [fresh, old], ...(ledgerAgain ? { ledger: ledgerAgain } : {}) });
      here.clock.offset = 30 * hour;
      expect(await after.uploads.sweep()).toMatchObject({ completed: 1, aborted: 1, failed: 0 });
      expect(after.announced).toEqual([upload.uploadId]);
      const newer = await after.grant(png);
      expect(newer.uploadId.slice(-8)).not.toBe(upload.uploadId.slice(-8));
    });
  }
});
