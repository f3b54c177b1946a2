/** F1 and C11 when nobody comes back: what the sweep takes away from whoever fills a bucket. */
import { expect, it } from 'vitest';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { png, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket } from '../support/sweep-app.ts';

const bytes = pngOf(2 * partSize);

function attacks(store: TestStore, place: TestLedger | null): void {
  async function start(definition: Parameters<typeof createSweepApp>[1] = {}) {
    // A bucket of its own: a sweep sees all that is there.
    const storage = store.storage({ bucket: await store.createBucket() });
    const clock = { offset: 0 };
    const ledger = await place?.open({ now: () => Date.now() + clock.offset });
    const app = createSweepApp({ storage, ledger, clock }, definition);
    const staged = async () => (await listBucket(storage, 'incoming/')).filter((key) => !key.includes('.waybill/'));
    return { ...app, storage, clock, ledger, staged };
  }

  it('F1 parts that nobody comes back for are freed at the storage, and their quota with them', async () => {
    const { app, parts, clock, ledger, staged, announced } = await start();
    const [some, none] = [await parts.begin(bytes), await parts.begin(bytes)];
    await parts.send(some.grant, bytes, [1]);
    expect(await staged()).toHaveLength(2);
    clock.offset = 30 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 2, completed: 0, failed: 0 });
    expect(await staged()).toEqual([]);
    expect(announced).toEqual([]);
    if (ledger) expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0 });
    for (const { grant } of [some, none]) {
      const { json } = await parts.complete(grant);
      expect(['upload_conflict', 'upload_expired']).toContain(json.error?.code);
    }
  });

  it('C11 what comes again under an unexpired URL, after any end, does not stay', async () => {
    const { app, clock, ledger, staged, announced } = await start();
    const [completed, aborted, deleted] = [await app.grant(png), await app.grant(png), await app.grant(png)];
    for (const { request, grant } of [completed, deleted]) {
      await send(request, png);
      await app.complete(grant);
    }
    await app.abort(aborted.grant);
    await app.uploads.deleteFile(`a/anna/${deleted.uploadId}.png`);
    for (const { request } of [completed, aborted, deleted]) expect(await send(request, png)).toBeLessThan(300);
    clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ deleted: 3, completed: 0, failed: 0 });
    expect(await staged()).toEqual([]);
    expect(announced.sort()).toEqual([completed.uploadId, deleted.uploadId].sort());
    if (ledger) expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 1, pendingFiles: 0 });
  });
}

forEachStore('the sweep without a ledger, under attack', (store) => attacks(store, null));

forEachStore('the sweep of a ledger, under attack', (store) => {
  forEachLedger('in', (place) => attacks(store, place));
});
