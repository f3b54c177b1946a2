/** G10: a sweep touches only objects of its own deployment. Attack ids: docs/threat-model.md. */
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
const oldSecret = 'the old secret of more than thirty-two characters';
const newSecret = 'the new secret of more than thirty-two characters';

interface SharedBucket {
  storage: Storage;
  clock: { offset: number };
}

function createDeployment({ storage, clock }: SharedBucket, options: Partial<UploadsOptions>, refuse = false) {
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
  const openBucket = async (): Promise<SharedBucket> => ({
    storage: store.storage({ bucket: await store.createBucket() }),
    clock: { offset: 0 },
  });

  describe('without a ledger', () => suite(async () => undefined));
  forEachLedger('with a ledger', (testLedger) =>
    suite((clock, again) => (again ? testLedger.reopen : testLedger.open)({ now: () => Date.now() + clock.offset })),
  );

  function suite(openLedger: (clock: { offset: number }, again?: boolean) => Promise<Ledger | undefined>) {
    it.each<[string, Partial<UploadsOptions>, Partial<UploadsOptions>]>([
      ['secrets', { secret: oldSecret }, { secret: newSecret }],
      ['names', { deployment: 'one' }, { deployment: 'two' }],
    ])('G10 a sweep leaves the uploads of a deployment with other %s alone', async (_, ownOptions, otherOptions) => {
      const bucket = await openBucket();
      const ledger = await openLedger(bucket.clock);
      // The other deployment has no ledger, so only the deployment's mark protects its uploads.
      const other = createDeployment(bucket, otherOptions);
      const own = createDeployment(bucket, { ...ownOptions, ...(ledger ? { ledger } : {}) }, true);
      const [arrived, ended] = [await other.grant(png), await other.grant(png)];
      for (const { request } of [arrived, ended]) expect(await send(request, png)).toBe(200);
      await other.complete(ended.grant);
      const inParts = await other.parts.begin(bytes);
      await other.parts.send(inParts.grant, bytes, [1]);
      const before = await listBucket(bucket.storage);
      bucket.clock.offset = 60 * 24 * hour;
      const report = await own.uploads.sweep(ledger ? { deleteOrphans: true, orphanPrefix: '' } : {});
      expect(report).toMatchObject({ completed: 0, rejected: 0, aborted: 0, deleted: 0, failed: 0 });
      if (ledger) await own.uploads.sweep({ deleteOrphans: true, orphanPrefix: 'a/' });
      expect(await listBucket(bucket.storage)).toEqual(before);
      // An event and a grant of the other deployment are not accepted either.
      expect(await own.uploads.completeObject(`incoming/${arrived.uploadId}`)).toBeNull();
      expect((await own.complete(arrived.grant)).json.error?.code).toBe('grant_invalid');
      bucket.clock.offset = hour;
      await other.uploads.sweep();
      expect(other.announced.sort()).toEqual([arrived.uploadId, ended.uploadId].sort());
    });

    it('G10 a sweep still finds uploads that were granted with the previous secret', async () => {
      const bucket = await openBucket();
      const ledger = await openLedger(bucket.clock);
      const before = createDeployment(bucket, { secret: oldSecret, ...(ledger ? { ledger } : {}) });
      const upload = await before.grant(png);
      expect(await send(upload.request, png)).toBe(200);
      const inParts = await before.parts.begin(bytes);
      await before.parts.send(inParts.grant, bytes, [1]);
      const reopened = ledger && (await openLedger(bucket.clock, true));
      const after = createDeployment(bucket, {
        secret: [newSecret, oldSecret],
        ...(reopened ? { ledger: reopened } : {}),
      });
      bucket.clock.offset = 30 * hour;
      expect(await after.uploads.sweep()).toMatchObject({ completed: 1, aborted: 1, failed: 0 });
      expect(after.announced).toEqual([upload.uploadId]);
      const newer = await after.grant(png);
      expect(newer.uploadId.slice(-8)).not.toBe(upload.uploadId.slice(-8));
    });
  }
});
