/** The sweep with and without a ledger: it completes, aborts and deletes abandoned uploads. */
import { expect, it } from 'vitest';
import type { Storage } from '../../src/s3/index.ts';
import { type SweepReport, startUpkeep } from '../../src/server/index.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { png, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket, type SweepAppOptions, ungrantedId } from '../support/sweep-app.ts';

function countsOf({ completed, rejected, expired, aborted, deleted, failed }: SweepReport) {
  return { completed, rejected, expired, aborted, deleted, failed };
}

function testSweep(store: TestStore, testLedger: TestLedger | null): void {
  async function createOptions(): Promise<SweepAppOptions> {
    // A bucket of its own, because a sweep processes everything in it.
    const bucket = await store.createBucket();
    const clock = { offset: 0 };
    const now = () => Date.now() + clock.offset;
    return {
      storage: store.storage({ bucket }),
      ledger: testLedger ? await testLedger.open({ now }) : undefined,
      clock,
    };
  }

  it('sweep() completes and announces uploads of closed tabs once', async () => {
    const options = await createOptions();
    const { app, parts, announced } = createSweepApp(options);
    const small = await app.grant(png);
    await send(small.request, png);
    const bytes = pngOf(partSize + 5);
    const large = await parts.begin(bytes);
    await parts.send(large.grant, bytes);
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, failed: 0 });
    options.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 2, rejected: 0, expired: 0, failed: 0 });
    expect(announced.sort()).toEqual([small.uploadId, large.uploadId].sort());
    expect(await listBucket(options.storage, 'a/')).toEqual(
      [small.uploadId, large.uploadId].sort().map((id) => `a/anna/${id}.png`),
    );
    expect(
      await listBucket(options.storage, 'incoming/').then((keys) => keys.filter((key) => !key.includes('.waybill/'))),
    ).toEqual([]);
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, failed: 0 });
    expect((await app.complete(small.grant)).json.results).toMatchObject([
      { file: { key: `a/anna/${small.uploadId}.png` } },
    ]);
    expect(announced).toHaveLength(2);
    if (options.ledger) expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 2, pendingFiles: 0 });
  });

  it('F1 sweep() deletes abandoned parts and releases their quota', async () => {
    const options = await createOptions();
    const { app, parts, announced } = createSweepApp(options);
    const bytes = pngOf(2 * partSize);
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [1]);
    options.clock.offset = 2 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 0, expired: 0, failed: 0 });
    expect(await listBucket(options.storage, `incoming/${upload.uploadId}`)).toHaveLength(1);
    options.clock.offset = 30 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 1, completed: 0, failed: 0 });
    expect(await listBucket(options.storage, `incoming/${upload.uploadId}`)).toEqual([]);
    expect(announced).toEqual([]);
    if (options.ledger) {
      expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0, storedFiles: 0 });
      expect(await options.ledger.find(upload.uploadId)).toMatchObject({ state: 'expired' });
    }
    const answer = await app.complete(upload.grant);
    expect(['upload_conflict', 'upload_expired']).toContain(answer.json.error?.code);
  });

  it('sweep() retries a callback that threw', async () => {
    const options = await createOptions();
    let fail = true;
    const { app, announced } = createSweepApp(options, { fail: () => fail });
    const upload = await app.grant(png);
    await send(upload.request, png);
    expect((await app.complete(upload.grant)).json.error?.code).toBe('callback_failed');
    options.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ callbacksFailed: 1, completed: 0 });
    fail = false;
    options.clock.offset = 3 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ callbacksFailed: 0, completed: 1 });
    expect(announced).toEqual([upload.uploadId]);
  });

  it('E4 sweep() deletes files that inspect rejects', async () => {
    const options = await createOptions();
    const { app } = createSweepApp(options, { refuse: () => true });
    const upload = await app.grant(png);
    await send(upload.request, png);
    options.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ rejected: 1, completed: 0 });
    expect((await listBucket(options.storage)).filter((key) => !key.includes('.waybill/'))).toEqual([]);
    if (options.ledger) expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, storedBytes: 0 });
  });

  it('C11 sweep() deletes objects that were stored again with an unexpired URL', async () => {
    const options = await createOptions();
    const { app, announced } = createSweepApp(options);
    const upload = await app.grant(png);
    await send(upload.request, png);
    await app.complete(upload.grant);
    expect(await send(upload.request, png)).toBe(200);
    options.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, deleted: 1, failed: 0 });
    expect(await options.storage.head(`incoming/${upload.uploadId}`)).toBeNull();
    expect(announced).toHaveLength(1);
  });

  it('sweep() deletes objects that were never granted, and a dry run changes nothing', async () => {
    const options = await createOptions();
    const { app, announced, parts } = createSweepApp(options);
    await options.storage.put({ key: `incoming/${ungrantedId}`, body: 'x' });
    await options.storage.put({ key: 'incoming/odd', body: 'x' });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const bytes = pngOf(partSize + 5);
    const large = await parts.begin(bytes);
    await parts.send(large.grant, bytes, [1]);
    // Without a ledger, early enough that the markers of the sweep itself are not old.
    options.clock.offset = (options.ledger ? 31 : 2) * 24 * hour;
    const before = await listBucket(options.storage);
    const dry = await app.uploads.sweep({ dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, failed: 0, completed: 1, aborted: 1 });
    expect(await listBucket(options.storage)).toEqual(before);
    expect(announced).toEqual([]);
    if (options.ledger) expect(await options.ledger.lastSweep()).toBeNull();
    // The real sweep does what the dry run reported.
    expect(countsOf(await app.uploads.sweep())).toEqual(countsOf(dry));
    expect(announced).toEqual([upload.uploadId]);
    const left = await listBucket(options.storage);
    // An object without an upload of this deployment may belong to another one, so a lifecycle rule must delete it.
    expect(left.filter((key) => !key.includes('.waybill/'))).toEqual([`a/anna/${upload.uploadId}.png`, 'incoming/odd']);
    if (options.ledger) expect(left).toHaveLength(2);
  });

  it('sweep() ignores objects without a date', async () => {
    const options = await createOptions();
    const real = options.storage;
    const withoutDates: Storage = {
      ...real,
      async list(options) {
        const page = await real.list(options);
        return { ...page, objects: page.objects.map((object) => ({ ...object, lastModified: '' })) };
      },
    };
    await real.put({ key: `incoming/${ungrantedId}`, body: 'x' });
    await real.put({ key: 'incoming/odd', body: 'x' });
    options.clock.offset = 31 * 24 * hour;
    const { app } = createSweepApp({ ...options, storage: withoutDates });
    expect(await app.uploads.sweep()).toMatchObject({ deleted: 0, failed: 0 });
    expect(await createSweepApp(options).app.uploads.sweep()).toMatchObject({ failed: 0, deleted: 1 });
  });

  it('sweep() continues when one upload fails, and reports it', async () => {
    const options = await createOptions();
    const { app } = createSweepApp(options);
    const [bad, good] = [await app.grant(png), await app.grant(png)];
    for (const { request } of [bad, good]) await send(request, png);
    options.clock.offset = hour;
    const real = options.storage;
    const failing: Storage = {
      ...real,
      read: (key, options) => (key.endsWith(bad.uploadId) ? Promise.reject(new Error('500')) : real.read(key, options)),
      head: (key) => (key.endsWith(bad.uploadId) ? Promise.reject(new Error('500')) : real.head(key)),
    };
    const withFailures = createSweepApp({ ...options, storage: failing });
    expect(await withFailures.app.uploads.sweep()).toMatchObject({ completed: 1 });
    expect(withFailures.events.some(({ type }) => type === 'sweep.failed')).toBe(true);
    options.clock.offset = 2 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 1, failed: 0 });
  });

  it('two sweeps at once announce each upload once', async () => {
    const options = await createOptions();
    const { app, announced } = createSweepApp(options);
    const other = createSweepApp(options);
    const uploads = await Promise.all(Array.from({ length: 10 }, () => app.grant(png)));
    for (const { request } of uploads) await send(request, png);
    options.clock.offset = hour;
    const reports = await Promise.all([app.uploads.sweep(), other.app.uploads.sweep()]);
    expect(reports.map(({ failed }) => failed)).toEqual([0, 0]);
    expect([...announced, ...other.announced].sort()).toEqual(uploads.map(({ uploadId }) => uploadId).sort());
  });

  it('sweep() uses the storage clock when the clock of the process is wrong', async () => {
    const options = await createOptions();
    for (const minutes of [10, -10]) {
      const now = () => Date.now() + minutes * 60_000;
      const withWrongClock = {
        ...options,
        storage: store.storage({ bucket: options.storage.bucket, now }),
        clock: { offset: 0 },
      };
      withWrongClock.clock.offset = minutes * 60_000;
      const { app } = createSweepApp(withWrongClock);
      const upload = await createSweepApp(options).app.grant(png);
      await send(upload.request, png);
      // By the storage's clock the object has just arrived, so the first sweep is too early.
      const early = await app.uploads.sweep();
      expect([minutes, early.completed, early.deleted]).toEqual([minutes, 0, 0]);
      // Dates in headers have whole seconds.
      withWrongClock.clock.offset += 5000;
      const late = await app.uploads.sweep({ graceSeconds: 0 });
      expect([minutes, late.completed, late.failed]).toEqual([minutes, 1, 0]);
    }
  });

  it('startUpkeep() sweeps repeatedly, and stop() waits for the current sweep', async () => {
    const options = await createOptions();
    const { app } = createSweepApp(options);
    const upload = await app.grant(png);
    await send(upload.request, png);
    options.clock.offset = hour;
    const reported = new Promise<number>((resolve, reject) => {
      const sweeping = startUpkeep(app.uploads, {
        everySeconds: 0.01,
        onReport: async ({ completed }) => {
          await sweeping.stop();
          resolve(completed);
        },
        onError: reject,
      });
    });
    expect(await Promise.race([reported])).toBe(1);
    if (options.ledger) expect(await options.ledger.lock('sweep', 'another', 1)).toBe(true);
  });
}

forEachStore('sweep without a ledger', (store) => {
  testSweep(store, null);
  if (store.name !== 'devstore') return;

  it('sweep() does not abort an upload whose parts still arrive', async () => {
    const real = store.storage({ bucket: await store.createBucket() });
    const clock = { offset: 0 };
    const app = createSweepApp({ storage: real, ledger: undefined, clock });
    const bytes = pngOf(2 * partSize);
    const upload = await app.parts.begin(bytes);
    await app.parts.send(upload.grant, bytes, [1]);
    const arrivedAt = new Date(Date.now() + 20 * hour).toISOString();
    const withLatePart: Storage = {
      ...real,
      listParts: async (...args) =>
        (await real.listParts(...args))?.map((part) => ({ ...part, lastModified: arrivedAt })) ?? null,
    };
    const sweeper = createSweepApp({ storage: withLatePart, ledger: undefined, clock }).app.uploads;
    clock.offset = 30 * hour;
    expect(await sweeper.sweep()).toMatchObject({ aborted: 0, failed: 0 });
    expect((await real.listMultiparts({ prefix: '' })).uploads).toHaveLength(1);
    clock.offset = 50 * hour;
    expect(await sweeper.sweep()).toMatchObject({ aborted: 1, failed: 0 });
    expect(
      await listBucket(real, 'incoming/').then((keys) => keys.filter((key) => /\(parts\)|\.parts/.test(key))),
    ).toEqual([]);
  });
});

forEachStore('sweep with a ledger', (store) => {
  forEachLedger('ledger', (testLedger) => {
    testSweep(store, testLedger);
  });
});
