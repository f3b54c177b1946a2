/** What nobody came back for: completed, given up or removed, with a ledger and without. */
import { expect, it } from 'vitest';
import { MiB } from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type Ledger, type Owner, route, startSweeping, type UploadsEvent } from '../../src/server/index.ts';
import { dyingWithLedger } from '../support/dying.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { createParts, partSize, pngOf } from '../support/multipart.ts';
import { createTestApp, png, send } from '../support/server-app.ts';
import { forEachStore, type TestStore } from '../support/stores.ts';

const owner = (): Owner => ({ ownerId: 'anna' });
const limits = { maxBytes: 100 * MiB };
const hour = 3_600_000;

interface World {
  storage: Storage;
  ledger: Ledger | undefined;
  /** Milliseconds that have passed. */
  clock: { offset: number };
}

function setUp({ storage, ledger, clock }: World, definition: { fail?: () => boolean; refuse?: () => boolean } = {}) {
  const announced: string[] = [];
  const events: UploadsEvent[] = [];
  const routes = {
    a: route({
      limits,
      authorize: owner,
      inspect: () => (definition.refuse?.() ? { reject: 'No.' } : undefined),
      onComplete: ({ uploadId }) => {
        if (definition.fail?.()) throw new Error('down');
        announced.push(uploadId);
      },
    }),
  };
  const app = createTestApp(storage, routes, {
    multipartMinBytes: partSize,
    now: () => Date.now() + clock.offset,
    onEvent: (event) => events.push(event),
    ...(ledger ? { ledger } : {}),
  });
  return { app, parts: createParts(app), announced, events };
}

async function everything(storage: Storage, prefix = ''): Promise<string[]> {
  const objects = (await storage.list({ prefix })).objects.map(({ key }) => key);
  const parts = (await storage.listMultiparts({ prefix })).uploads.map(({ key }) => `${key} (parts)`);
  return [...objects, ...parts].sort();
}

/** The suite, for a world with a ledger and for one without. */
function sweeps(store: TestStore, place: TestLedger | null): void {
  async function world(): Promise<World> {
    // A bucket of its own: a sweep sees all that is there.
    const bucket = await store.createBucket();
    const clock = { offset: 0 };
    const now = () => Date.now() + clock.offset;
    return { storage: store.storage({ bucket }), ledger: place ? await place.open({ now }) : undefined, clock };
  }

  it('a closed tab loses no file: what arrived is completed and announced once', async () => {
    const here = await world();
    const { app, parts, announced } = setUp(here);
    const small = await app.grant(png);
    await send(small.request, png);
    const bytes = pngOf(partSize + 5);
    const large = await parts.begin(bytes);
    await parts.send(large.grant, bytes);
    expect(await app.uploads.sweep()).toMatchObject({ completed: 0, failed: 0 });
    here.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 2, rejected: 0, expired: 0, failed: 0 });
    expect(announced.sort()).toEqual([small.uploadId, large.uploadId].sort());
    expect(await everything(here.storage, 'a/')).toEqual(
      [small.uploadId, large.uploadId].sort().map((id) => `a/anna/${id}.png`),
    );
    expect(
      await everything(here.storage, 'incoming/').then((keys) => keys.filter((key) => !key.includes('.waybill/'))),
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
    const { app, parts, announced } = setUp(here);
    const bytes = pngOf(2 * partSize);
    const upload = await parts.begin(bytes);
    await parts.send(upload.grant, bytes, [1]);
    here.clock.offset = 2 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 0, expired: 0, failed: 0 });
    expect(await everything(here.storage, `incoming/${upload.uploadId}`)).toHaveLength(1);
    here.clock.offset = 30 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ aborted: 1, completed: 0, failed: 0 });
    expect(await everything(here.storage, `incoming/${upload.uploadId}`)).toEqual([]);
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
    const { app, announced } = setUp(here, { fail: () => fail });
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
    const { app } = setUp(here, { refuse: () => true });
    const upload = await app.grant(png);
    await send(upload.request, png);
    here.clock.offset = hour;
    expect(await app.uploads.sweep()).toMatchObject({ rejected: 1, completed: 0 });
    expect((await everything(here.storage)).filter((key) => !key.includes('.waybill/'))).toEqual([]);
    if (here.ledger) expect(await app.uploads.usage('anna')).toMatchObject({ pendingBytes: 0, storedBytes: 0 });
  });

  it('what came again under an unexpired URL is removed (C11)', async () => {
    const here = await world();
    const { app, announced } = setUp(here);
    const upload = await app.grant(png);
    await send(upload.request, png);
    await app.complete(upload.grant);
    expect(await send(upload.request, png)).toBe(200);
    here.clock.offset = hour;
    const report = await app.uploads.sweep();
    expect(report.failed).toBe(0);
    expect(await here.storage.head(`incoming/${upload.uploadId}`)).toBeNull();
    expect(announced).toHaveLength(1);
  });

  it('what nobody granted is garbage, and a dry run touches nothing', async () => {
    const here = await world();
    const { app, announced, parts } = setUp(here);
    await here.storage.put({ key: `incoming/${'f'.repeat(32)}`, body: 'x' });
    await here.storage.put({ key: 'incoming/odd', body: 'x' });
    const upload = await app.grant(png);
    await send(upload.request, png);
    const bytes = pngOf(partSize + 5);
    const large = await parts.begin(bytes);
    await parts.send(large.grant, bytes, [1]);
    here.clock.offset = 31 * 24 * hour;
    const before = await everything(here.storage);
    const dry = await app.uploads.sweep({ dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, failed: 0 });
    expect(dry.completed).toBeGreaterThan(0);
    expect(await everything(here.storage)).toEqual(before);
    expect(announced).toEqual([]);
    if (here.ledger) expect(await here.ledger.lastSweep()).toBeNull();
    await app.uploads.sweep();
    expect(announced).toEqual([upload.uploadId]);
    const left = await everything(here.storage);
    expect(left.filter((key) => !key.includes('.waybill/'))).toEqual([`a/anna/${upload.uploadId}.png`]);
    if (here.ledger) expect(left).toHaveLength(1);
  });

  it('goes on when one thing fails, and says so', async () => {
    const here = await world();
    const { app } = setUp(here);
    const [bad, good] = [await app.grant(png), await app.grant(png)];
    for (const { request } of [bad, good]) await send(request, png);
    here.clock.offset = hour;
    const real = here.storage;
    const failing: Storage = {
      ...real,
      read: (key, options) => (key.endsWith(bad.uploadId) ? Promise.reject(new Error('500')) : real.read(key, options)),
      head: (key) => (key.endsWith(bad.uploadId) ? Promise.reject(new Error('500')) : real.head(key)),
    };
    const doomed = setUp({ ...here, storage: failing });
    expect(await doomed.app.uploads.sweep()).toMatchObject({ completed: 1 });
    expect(doomed.events.some(({ type }) => type === 'sweep.failed')).toBe(true);
    here.clock.offset = 2 * hour;
    expect(await app.uploads.sweep()).toMatchObject({ completed: 1, failed: 0 });
  });

  it('two at once announce once', async () => {
    const here = await world();
    const { app, announced } = setUp(here);
    const other = setUp(here);
    const uploads = await Promise.all(Array.from({ length: 10 }, () => app.grant(png)));
    for (const { request } of uploads) await send(request, png);
    here.clock.offset = hour;
    const reports = await Promise.all([app.uploads.sweep(), other.app.uploads.sweep()]);
    expect(reports.map(({ failed }) => failed)).toEqual([0, 0]);
    expect([...announced, ...other.announced].sort()).toEqual(uploads.map(({ uploadId }) => uploadId).sort());
  });

  it('runs again and again, and ends what it is at', async () => {
    const here = await world();
    const { app } = setUp(here);
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

forEachStore('the sweep without a ledger', (store) => sweeps(store, null));

forEachStore('the sweep of a ledger', (store) => {
  forEachLedger('in', (place) => {
    sweeps(store, place);
    if (store.name !== 'devstore') return;

    it('finds the orphans of a bucket, and deletes them when told to', async () => {
      const storage = store.storage({ bucket: await store.createBucket() });
      const clock = { offset: 0 };
      const ledger = await place.open({ now: () => Date.now() + clock.offset });
      const { app } = setUp({ storage, ledger, clock });
      const upload = await app.grant(png);
      await send(upload.request, png);
      await app.complete(upload.grant);
      await storage.put({ key: 'a/anna/lost.png', body: 'x' });
      await storage.createMultipart({ key: 'a/anna/parts.png', contentType: 'image/png' });
      clock.offset = 48 * hour;
      const report = await app.uploads.sweep({ orphans: true });
      expect(report.orphans).toMatchObject([
        { key: 'a/anna/lost.png', kind: 'object', size: 1, removed: false },
        { key: 'a/anna/parts.png', kind: 'multipart', size: null, removed: false },
      ]);
      expect((await ledger.lastSweep())?.orphans).toEqual(report.orphans);
      expect(await storage.head('a/anna/lost.png')).not.toBeNull();
      await app.uploads.sweep({ deleteOrphans: true });
      expect(await everything(storage)).toEqual([`a/anna/${upload.uploadId}.png`]);
      await expect(app.uploads.sweep({ dry: true } as never)).rejects.toMatchObject({ code: 'config_invalid' });
    });

    it('parks a callback that never succeeds, until somebody asks', async () => {
      const storage = store.storage({ bucket: await store.createBucket() });
      const clock = { offset: 0 };
      const ledger = await place.open({ now: () => Date.now() + clock.offset });
      let fail = true;
      const { app, announced } = setUp({ storage, ledger, clock }, { fail: () => fail });
      const upload = await app.grant(png);
      await send(upload.request, png);
      let tries = 0;
      for (; (await ledger.find(upload.uploadId))?.callback.parkedAt === null && tries < 50; tries += 1) {
        clock.offset += 2 * hour;
        await app.uploads.sweep();
      }
      expect(tries).toBe(12);
      clock.offset += 100 * hour;
      await app.uploads.sweep();
      const parked = await ledger.find(upload.uploadId);
      expect(parked).toMatchObject({ state: 'completing', callback: { attempts: 12 } });
      fail = false;
      expect(await ledger.unpark(upload.uploadId)).toBe(true);
      await app.uploads.sweep();
      expect(announced).toEqual([upload.uploadId]);
    });

    it('may die at any request or statement, and the next one ends what it began', async () => {
      const storage = store.storage({ bucket: await store.createBucket() });
      const clock = { offset: 0 };
      const ledger = await place.open({ now: () => Date.now() + clock.offset });
      const alive = setUp({ storage, ledger, clock });
      let tried = 0;
      for (let nth = 1, over = false; !over; nth += 1) {
        const sent = await alive.app.grant(png);
        await send(sent.request, png);
        const never = await alive.app.grant(png);
        const half = await alive.parts.begin(pngOf(2 * partSize));
        await alive.parts.send(half.grant, pngOf(2 * partSize), [1]);
        clock.offset += 30 * hour;
        const dying = dyingWithLedger(storage, ledger, nth, nth % 2 ? 'before' : 'after');
        const doomed = setUp({ storage: dying.storage, ledger: dying.ledger, clock });
        const ended = doomed.app.uploads.sweep().then(() => true);
        const died = expect.poll(() => dying.state.dead, { interval: 2, timeout: 5000 }).toBe(true);
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
        expect([dying.state.at, await everything(storage, 'incoming/')]).toEqual([dying.state.at, []]);
        const record = states.get(sent.uploadId);
        const times = [...alive.announced, ...doomed.announced].filter((id) => id === sent.uploadId).length;
        expect(times).toBeGreaterThanOrEqual(1);
        expect(times).toBeLessThanOrEqual(1 + (record?.callback.interruptions ?? 0));
      }
      expect(tried).toBeGreaterThan(15);
      expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 0, pendingFiles: 0 });
    }, 120_000);
  });
});
