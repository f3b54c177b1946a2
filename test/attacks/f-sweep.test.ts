/** F1 and C11: the sweep deletes what abandoned uploads leave in the bucket. Attack ids: docs/threat-model.md. */
import { expect, it } from 'vitest';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { png, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket } from '../support/sweep-app.ts';

const bytes = pngOf(2 * partSize);

function testSweep(store: TestStore, testLedger: TestLedger | null): void {
  async function start(definition: Parameters<typeof createSweepApp>[1] = {}) {
    // A bucket of its own, because a sweep processes everything in it.
    const storage = store.storage({ bucket: await store.createBucket() });
    const clock = { offset: 0 };
    const ledger = await testLedger?.open({ now: () => Date.now() + clock.offset });
    const app = createSweepApp({ storage, ledger, clock }, definition);
    const staged = async () => (await listBucket(storage, 'incoming/')).filter((key) => !key.includes('.waybill/'));
    return { ...app, storage, clock, ledger, staged };
  }

  it('F1 abandoned parts are deleted from the storage, and their quota is released', async () => {
    const { app, parts, clock, ledger, staged, announced } = await start();
    const [withPart, withoutPart] = [await parts.begin(bytes), await parts.begin(bytes)];
    await parts.send(withPart.grant, bytes, [1]);
    expect(await staged()).toHaveLength(2);
    clock.offset = 30 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 2, completed: 0, failed: 0 });
    expect(await staged()).toEqual([]);
    expect(announced).toEqual([]);
    if (ledger) expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0 });
    for (const { grant } of [withPart, withoutPart]) {
      const { json } = await parts.complete(grant);
      expect(['upload_conflict', 'upload_expired']).toContain(json.error?.code);
    }
  });

  it('C11 bytes that are stored again with an unexpired URL are deleted by the sweep', async () => {
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

forEachStore('sweep without a ledger', (store) => testSweep(store, null));

forEachStore('sweep with a ledger', (store) => {
  forEachLedger('ledger', (testLedger) => testSweep(store, testLedger));
});
