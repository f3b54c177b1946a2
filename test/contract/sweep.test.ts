/** What nobody came back for: completed, given up or removed, with a ledger and without. */
import { expect, it } from 'vitest';
import type { Storage } from '../../src/s3/index.ts';
import { type SweepReport, startSweeping } from '../../src/server/index.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { partSize, pngOf } from '../support/multipart.ts';
import { png, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';
import { createSweepApp, hour, listBucket, type SweepAppOptions, ungrantedId } from '../support/sweep-app.ts';

function countsOf({ completed, rejected, expired, aborted, deleted, failed }: SweepReport) {
  return { completed, rejected, expired, aborted, deleted, failed };
}

/** The suite, for a world with a ledger and for one without. */
function sweeps(store: TestStore, place: TestLedger | null): void {
  async function world(): Promise<SweepAppOptions> {
    // A bucket of its own: a sweep sees all that is there.
    const bucket = await store.createBucket();
    const clock = { offset: 0 };
    const now = () => Date.now() + clock.offset;
    return { storage: store.storage({ bucket }), ledger: place ? await place.open({ now }) : undefined, clock };
  }

  it('a closed tab loses no file: what arrived is completed and announced once', async () => {
    const here = await world();
    const { app, parts, announced } = createSweepApp(here);
    const small = await app.grant(png);
    await send(small.request, png);
    const bytes = pngOf(partSize + 5);
    const large = await parts.begin(bytes);
    await parts.send(large.grant, bytes);
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, failed: 0 });
    here.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 2, rejected: 0, expired: 0, failed: 0 });
    expect(announced.sort()).toEqual([small.uploadId, large.uploadId].sort());
    expect(await listBucket(here.storage, 'a/')).toEqual(
      [small.uploadId, large.uploadId].sort().map((id) => `a/anna/${id}.png`),
    );
    expect(
      await listBucket(here.storage, 'incoming/').then((keys) => keys.filter((key) => !key.includes('.waybill/'))),
    ).toEqual([]);
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, failed: 0 });
    expect((await app.complete(small.grant)).json.results).toMatchObject([
      { file: { key: `a/anna/${small.uploadId}.png` } },
    ]);
    expect(announced).toHaveLength(2);
    if (here.ledger) expect(await app.uploads.usage('anna')).toMatchObject({ storedFiles: 2, pendingFiles: 0 });
  });

  it('parts that were abandoned are freed at the storage, and their quota is given back (F1)', async () => {
    const here = await world();
    const { app, parts, announced } = createSweepApp(here);
    const bytes = pngOf(2 * partSize);
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [1]);
    here.clock.offset = 2 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 0, expired: 0, failed: 0 });
    expect(await listBucket(here.storage, `incoming/${upload.uploadId}`)).toHaveLength(1);
    here.clock.offset = 30 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 1, completed: 0, failed: 0 });
    expect(await listBucket(here.storage, `incoming/${upload.uploadId}`)).toEqual([]);
    expect(announced).toEqual([]);
    if (here.ledger) {
      expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0, storedFiles: 0 });
      expect(await here.ledger.find(upload.uploadId)).toMatchObject({ state: 'expired' });
    }
    const answer = await app.complete(upload.grant);
    expect(['upload_conflict', 'upload_expired']).toContain(answer.json.error?.code);
  });

  it('a callback that threw is tried again until it is done', async () => {
    const here = await world();
    let fail = true;
    const { app, announced } = createSweepApp(here, { fail: () => fail });
    const upload = await app.grant(png);
    await send(upload.request, png);
    expect((await app.complete(upload.grant)).json.error?.code).toBe('callback_failed');
    here.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ callbacksFailed: 1, completed: 0 });
    fail = false;
    here.clock.offset = 3 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ callbacksFailed: 0, completed: 1 });
    expect(announced).toEqual([upload.uploadId]);
  });

  it('what is refused is gone (E4)', async () => {
    const here = await world();
    const { app } = createSweepApp(here, { refuse: () => true });
    const upload = await app.grant(png);
    await send(upload.request, png);
    here.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ rejected: 1, completed: 0 });
    expect((await listBucket(here.storage)).filter((key) => !key.includes('.waybill/'))).toEqual([]);
    if (here.ledger) expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, storedBytes: 0 });
  });

  it('what came again under an unexpired URL is removed (C11)', async () => {
    const here = await world();
    const { app, announced } = createSweepApp(here);
    const upload = await app.grant(png);
    await send(upload.request, png);
    await app.complete(upload.grant);
    expect(await send(upload.request, png)).toBe(200);
    here.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, deleted: 1, failed: 0 });
    expect(await here.storage.head(`incoming/${upload.uploadId}`)).toBeNull();
    expect(announced).toHaveLength(1);
  });

  it('what nobody granted is garbage, and a dry run touches nothing', async () => {
    const here = await world();
    const { app, announced, parts } = createSweepApp(here);
    await here.storage.put({ key: `incoming/${ungrantedId}`, body: 'x' });
    await here.storage.put({ key: 'incoming/odd', body: 'x' });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const bytes = pngOf(partSize + 5);
    const large = await parts.begin(bytes);
    await parts.send(large.grant, bytes, [1]);
    // Without a ledger, not so late that what the sweep itself writes down would be old.
    here.clock.offset = (here.ledger ? 31 : 2) * 24 * hour;
    const before = await listBucket(here.storage);
    const dry = await app.uploads.sweep({ dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, failed: 0, completed: 1, aborted: 1 });
    expect(await listBucket(here.storage)).toEqual(before);
    expect(announced).toEqual([]);
    if (here.ledger) expect(await here.ledger.lastSweep()).toBeNull();
    // It foretold what comes now.
    expect(countsOf(await app.uploads.sweep())).toEqual(countsOf(dry));
    expect(announced).toEqual([upload.uploadId]);
    const left = await listBucket(here.storage);
    // What names no upload of this deployment may be another's: the lifecycle rule collects that.
    expect(left.filter((key) => !key.includes('.waybill/'))).toEqual([`a/anna/${upload.uploadId}.png`, 'incoming/odd']);
    if (here.ledger) expect(left).toHaveLength(2);
  });

  it('leaves alone what has no date', async () => {
    const here = await world();
    const real = here.storage;
    const dateless: Storage = {
      ...real,
      async list(options) {
        const page = await real.list(options);
        return { ...page, objects: page.objects.map((one) => ({ ...one, lastModified: '' })) };
      },
    };
    await real.put({ key: `incoming/${ungrantedId}`, body: 'x' });
    await real.put({ key: 'incoming/odd', body: 'x' });
    here.clock.offset = 31 * 24 * hour;
    const { app } = createSweepApp({ ...here, storage: dateless });
    expect(await app.uploads.sweep()).toMatchObject({ deleted: 0, failed: 0 });
    expect(await createSweepApp(here).app.uploads.sweep()).toMatchObject({ failed: 0, deleted: 1 });
  });

  it('goes on when one thing fails, and says so', async () => {
    const here = await world();
    const { app } = createSweepApp(here);
    const [bad, good] = [await app.grant(png), await app.grant(png)];
    for (const { request } of [bad, good]) await send(request, png);
    here.clock.offset = hour;
    const real = here.storage;
    const failing: Storage = {
      ...real,
      read: (key, options) => (key.endsWith(bad.uploadId) ? Promise.reject(new Error('500')) : real.read(key, options)),
      head: (key) => (key.endsWith(bad.uploadId) ? Promise.reject(new Error('500')) : real.head(key)),
    };
    const doomed = createSweepApp({ ...here, storage: failing });
    expect(await doomed.app.uploads.sweep()).toMatchObject({ completed: 1 });
    expect(doomed.events.some(({ type }) => type === 'sweep.failed')).toBe(true);
    here.clock.offset = 2 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 1, failed: 0 });
  });

  it('two at once announce once', async () => {
    const here = await world();
    const { app, announced } = createSweepApp(here);
    const other = createSweepApp(here);
    const uploads = await Promise.all(Array.from({ length: 10 }, () => app.grant(png)));
    for (const { request } of uploads) await send(request, png);
    here.clock.offset = hour;
    const reports = await Promise.all([app.uploads.sweep(), other.app.uploads.sweep()]);
    expect(reports.map(({ failed }) => failed)).toEqual([0, 0]);
    expect([...announced, ...other.announced].sort()).toEqual(uploads.map(({ uploadId }) => uploadId).sort());
  });

  it('is not misled by a clock that is wrong', async () => {
    const here = await world();
    for (const minutes of [10, -10]) {
      const now = () => Date.now() + minutes * 60_000;
      const off = { ...here, storage: store.storage({ bucket: here.storage.bucket, now }), clock: { offset: 0 } };
      off.clock.offset = minutes * 60_000;
      const { app } = createSweepApp(off);
      const upload = await createSweepApp(here).app.grant(png);
      await send(upload.request, png);
      // It has just arrived, wherever the clock of this process stands: too early, and then early enough.
      const early = await app.uploads.sweep();
      expect([minutes, early.completed, early.deleted]).toEqual([minutes, 0, 0]);
      // Dates in headers are whole seconds.
      off.clock.offset += 5000;
      const late = await app.uploads.sweep({ graceSeconds: 0 });
      expect([minutes, late.completed, late.failed]).toEqual([minutes, 1, 0]);
    }
  });

  it('runs again and again, and ends what it is at', async () => {
    const here = await world();
    const { app } = createSweepApp(here);
    const upload = await app.grant(png);
    await send(upload.request, png);
    here.clock.offset = hour;
    const reported = new Promise<number>((resolve, reject) => {
      const sweeping = startSweeping(app.uploads, {
        everySeconds: 0.01,
        ...(here.ledger ? { ledger: here.ledger } : {}),
        onReport: async ({ completed }) => {
          await sweeping.stop();
          resolve(completed);
        },
        onError: reject,
      });
    });
    expect(await Promise.race([reported])).toBe(1);
    if (here.ledger) expect(await here.ledger.lock('sweep', 'another', 1)).toBe(true);
  });
}

forEachStore('the sweep without a ledger', (store) => {
  sweeps(store, null);
  if (store.name !== 'devstore') return;

  it('does not give up what is still coming, however slowly', async () => {
    const real = store.storage({ bucket: await store.createBucket() });
    const clock = { offset: 0 };
    const app = createSweepApp({ storage: real, ledger: undefined, clock });
    const bytes = pngOf(2 * partSize);
    const upload = await app.parts.begin(bytes);
    await app.parts.send(upload.grant, bytes, [1]);
    const arrivedAt = new Date(Date.now() + 20 * hour).toISOString();
    const slow: Storage = {
      ...real,
      listParts: async (...of) =>
        (await real.listParts(...of))?.map((part) => ({ ...part, lastModified: arrivedAt })) ?? null,
    };
    const sweeper = createSweepApp({ storage: slow, ledger: undefined, clock }).app.uploads;
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

forEachStore('the sweep of a ledger', (store) => {
  forEachLedger('in', (place) => {
    sweeps(store, place);
  });
});
