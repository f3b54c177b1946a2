/** Compares the ledger with a model of plain objects after random calls of several actors in any order. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Ledger, Quota } from '../../src/server/index.ts';
import type { NewUpload } from '../../src/server/internal.ts';
import { createLedgerModel, type LedgerModel, type ModelUpload } from '../support/ledger-model.ts';
import { forEachLedger } from '../support/ledgers.ts';

const owners = ['anna', 'bea'] as const;
const routes = ['files', 'avatars'] as const;
const actors = 3;

const ms = fc.constantFrom(0, 1, 5, 50, 500);
const actor = fc.nat(actors - 1);
/** Index of an upload, counted from the end. */
const which = fc.nat(5);
const quota = fc.option(
  fc.constantFrom<Quota>({ maxBytes: 300 }, { maxFiles: 2 }, { maxPendingBytes: 150 }, { maxBytes: 0 }),
  { freq: 2 },
);

const calls = {
  grant: fc.record({
    owner: fc.constantFrom(...owners),
    route: fc.constantFrom(...routes),
    bytes: fc.nat(200),
    quotas: fc.record({ owner: quota, route: quota }),
    /** Index of the upload whose object is shared. */
    shares: fc.option(which, { freq: 3 }),
    expiresInMs: ms,
    abandonAfterMs: ms,
  }),
  renewGrant: fc.record({ which, ms }),
  takeLease: fc.record({ which, actor, ms }),
  renewLease: fc.record({ which, actor, ms }),
  recordCallbackStart: fc.record({ which, actor, ms }),
  releaseLease: fc.record({ which, actor }),
  recordCallbackFailure: fc.record({ which, actor, retryInMs: fc.option(ms) }),
  end: fc.record({
    which,
    actor,
    state: fc.constantFrom('completed', 'completed', 'completed', 'rejected', 'aborted', 'expired'),
    bytes: fc.nat(200),
  }),
  abort: fc.record({ which }),
  expire: fc.record({ which }),
  freeReservation: fc.record({ which }),
  delete: fc.record({ which }),
  postponeSweep: fc.record({ which, ms }),
  unpark: fc.record({ which }),
  findDue: fc.record({}),
  wait: fc.record({ ms }),
} as const;

type Calls = { [Name in keyof typeof calls]: (typeof calls)[Name] extends fc.Arbitrary<infer Value> ? Value : never };
type Call = { [Name in keyof Calls]: { name: Name } & Calls[Name] }[keyof Calls];

const weights: Partial<Record<keyof Calls, number>> = {
  grant: 4,
  takeLease: 5,
  recordCallbackStart: 3,
  recordCallbackFailure: 2,
  releaseLease: 2,
  end: 4,
  freeReservation: 3,
  expire: 2,
  findDue: 2,
};
const call = fc.oneof(
  ...(Object.entries(calls) as [keyof Calls, fc.Arbitrary<object>][]).map(([name, values]) => ({
    weight: weights[name] ?? 1,
    arbitrary: values.map((value) => ({ name, ...value }) as Call),
  })),
);
const manyCalls = fc.array(call, { minLength: 1, maxLength: 60, size: 'max' });

/** The last fence of each actor for each upload. Most are out of date. */
type Fences = Map<string, number>[];

interface ModelRun {
  ledger: Ledger;
  model: LedgerModel;
  fences: Fences;
  ids: string[];
  advance(ms: number): void;
}

forEachLedger('ledger and its model', (testLedger) => {
  const numRuns = testLedger.name === 'sqlite' ? 150 : 40;

  it('the ledger answers, records and counts as the model does', async () => {
    let clock = 1_700_000_000_000;
    const ledger = await testLedger.open({ now: () => clock });
    let callCount = 0;
    await fc.assert(
      fc.asyncProperty(manyCalls, async (sequence) => {
        for (const table of ['waybill_uploads', 'waybill_usage']) await testLedger.execute(`delete from ${table}`);
        const advance = (more: number) => {
          clock += more;
        };
        const modelRun: ModelRun = {
          ledger,
          model: createLedgerModel(() => clock),
          fences: noFences(),
          ids: [],
          advance,
        };
        for (const call of sequence) {
          // No two uploads are created in the same millisecond, so that their order is defined.
          advance(1);
          await callBoth(modelRun, call);
          callCount += 1;
        }
        await compare(modelRun, clock);
      }),
      { numRuns },
    );
    expect(callCount).toBeGreaterThan(numRuns);
  });

  it('the usage of an owner equals the sum of its uploads while calls run at once', async () => {
    const first = await testLedger.open();
    // Two connections to SQLite in one process could block each other, so SQLite uses one connection.
    const ledgers = [first, testLedger.name === 'postgres' ? await testLedger.open() : first] as const;
    let ended = 0;
    await fc.assert(
      fc.asyncProperty(manyCalls, async (sequence) => {
        for (const table of ['waybill_uploads', 'waybill_usage']) await testLedger.execute(`delete from ${table}`);
        const model = createLedgerModel(() => 0);
        const ids: string[] = [];
        for (const call of sequence) if (call.name === 'grant') await ledgers[0].grant([makeUpload(call, ids, model)]);
        const { uploads: recorded } = await ledgers[0].list({ limit: 1000 });
        const known = recorded.map(({ uploadId }) => uploadId);
        if (known.length === 0) return;
        const fences = noFences();
        const others = sequence.filter(({ name }) => name !== 'grant');
        for (let from = 0; from < others.length; from += 8)
          await Promise.all(
            others
              .slice(from, from + 8)
              .map((call, index) => callLedger(ledgers[(index % 2) as 0 | 1], call, { ids: known, fences })),
          );
        ended += await checkSums(ledgers[0]);
      }),
      { numRuns: testLedger.name === 'sqlite' ? 40 : 20 },
    );
    expect(ended).toBeGreaterThan(0);
  });
});

const noFences = (): Fences => Array.from({ length: actors }, () => new Map());

function pick(ids: readonly string[], which: number): string | undefined {
  return ids.length === 0 ? undefined : ids[ids.length - 1 - (which % ids.length)];
}

function makeUpload(call: { name: 'grant' } & Calls['grant'], ids: string[], model: LedgerModel): NewUpload {
  const uploadId = (ids.length + 1).toString(16).padStart(32, '0');
  ids.push(uploadId);
  const shared =
    call.shares === null ? undefined : model.uploads.get(pick([...model.uploads.keys()], call.shares) ?? '');
  return {
    uploadId,
    route: call.route,
    ownerId: call.owner,
    key: shared?.granted.key ?? `files/${uploadId}`,
    fileName: 'photo.bin',
    contentType: 'image/jpeg',
    size: call.bytes,
    partSize: null,
    transfer: shared ? 'none' : 'put',
    checksum: null,
    metadata: undefined,
    reservedBytes: call.bytes,
    expiresInMs: call.expiresInMs,
    abandonAfterMs: call.abandonAfterMs,
    quotas: call.quotas,
  };
}

function makeEnding(uploadId: string, state: Calls['end']['state'], size: number) {
  const facts = { uploadId, route: 'files', key: 'k', fileName: 'f', contentType: 'image/jpeg', checksum: null };
  const file = { ...facts, size, etag: '"e"', url: '/f', storedAt: '' };
  const error = { code: 'upload_rejected' as const, message: 'no', retryable: false };
  if (state === 'completed') return { state, file, data: null };
  return state === 'rejected' ? { state, error } : { state: state as 'aborted' | 'expired' };
}

/** Calls the ledger with the fence that the actor got last. */
async function callLedger(
  ledger: Ledger,
  call: Call,
  { ids, fences }: Pick<ModelRun, 'ids' | 'fences'>,
): Promise<{ uploadId: string; fence: number; answer: unknown } | undefined> {
  const uploadId = 'which' in call ? pick(ids, call.which) : undefined;
  if (uploadId === undefined) return undefined;
  const remembered = 'actor' in call ? (fences[call.actor] as Map<string, number>) : new Map<string, number>();
  const fence = remembered.get(uploadId) ?? 0;
  const remember = (fence: number | null | undefined) => {
    if (typeof fence === 'number') remembered.set(uploadId, fence);
    return fence;
  };
  const answer = await (async () => {
    if (call.name === 'renewGrant') return ledger.renewGrant(uploadId, call.ms);
    if (call.name === 'takeLease') {
      const leased = await ledger.takeLease(uploadId, call.ms);
      return leased && 'fence' in leased ? remember(leased.fence) : 'held';
    }
    if (call.name === 'renewLease') return remember(await ledger.renewLease(uploadId, fence, call.ms));
    if (call.name === 'recordCallbackStart')
      return remember(await ledger.recordCallbackStart(uploadId, fence, call.ms));
    if (call.name === 'releaseLease') return ledger.releaseLease(uploadId, fence);
    if (call.name === 'recordCallbackFailure')
      return ledger.recordCallbackFailure(uploadId, fence, 'no', call.retryInMs);
    if (call.name === 'end') return ledger.end(uploadId, fence, makeEnding(uploadId, call.state, call.bytes));
    if (call.name === 'abort') return ledger.abort(uploadId);
    if (call.name === 'expire') return ledger.expire(uploadId);
    if (call.name === 'freeReservation') return ledger.freeReservation(uploadId);
    if (call.name === 'postponeSweep') return ledger.postponeSweep(uploadId, call.ms);
    if (call.name === 'unpark') return ledger.unpark(uploadId);
    if (call.name === 'delete') {
      const deleted = await ledger.delete({ uploadId });
      return deleted && { last: deleted.last };
    }
    return undefined;
  })();
  return { uploadId, fence, answer };
}

async function callBoth({ ledger, model, fences, ids, advance }: ModelRun, call: Call): Promise<void> {
  if (call.name === 'wait') return advance(call.ms);
  if (call.name === 'findDue')
    return expect((await ledger.findDue(1000)).map(({ uploadId }) => uploadId).sort()).toEqual(model.findDue());
  if (call.name === 'grant') {
    const upload = makeUpload(call, ids, model);
    const [refusal] = await ledger.grant([upload]);
    expect(refusal === null).toBe(model.grant(upload));
    if (refusal !== null) ids.pop();
    return;
  }
  const done = await callLedger(ledger, call, { ids, fences });
  if (done) expect(done.answer, call.name).toEqual(callModel(model, call, done.uploadId, done.fence));
}

function callModel(model: LedgerModel, call: Call, uploadId: string, fence: number): unknown {
  if (call.name === 'takeLease') return model.takeLease(uploadId, call.ms);
  if (call.name === 'renewGrant') return model.renewGrant(uploadId, call.ms);
  if (call.name === 'renewLease') return model.renewLease(uploadId, fence, call.ms);
  if (call.name === 'recordCallbackStart') return model.recordCallbackStart(uploadId, fence, call.ms);
  if (call.name === 'releaseLease') return model.releaseLease(uploadId, fence);
  if (call.name === 'recordCallbackFailure') return model.recordCallbackFailure(uploadId, fence, call.retryInMs);
  if (call.name === 'end') return model.end(uploadId, fence, call.state, call.bytes);
  if (call.name === 'postponeSweep') return model.postponeSweep(uploadId, call.ms);
  if (
    call.name === 'abort' ||
    call.name === 'expire' ||
    call.name === 'freeReservation' ||
    call.name === 'delete' ||
    call.name === 'unpark'
  )
    return model[call.name](uploadId);
  return undefined;
}

async function compare({ ledger, model }: ModelRun, clock: number): Promise<void> {
  const { uploads: records } = await ledger.list({ limit: 1000 });
  const kept = records.map((record) => ({
    uploadId: record.uploadId,
    state: record.state,
    fence: record.fence,
    leaseLeftMs: record.leaseLeftMs,
    createdAt: record.createdAt,
    expiresAt: record.expiresAt,
    abandonAt: record.abandonAt,
    ended: record.endedAt !== null,
    reserved: record.isReserved,
    storedBytes: record.file?.size ?? 0,
    attempts: record.callback.attempts,
    interruptions: record.callback.interruptions,
    retryAt: record.callback.retryAt,
    parkedAt: record.callback.parkedAt,
  }));
  const expected = [...model.uploads].map(([uploadId, upload]) => expectedRecord(uploadId, upload, clock)).reverse();
  expect(kept).toEqual(expected);
  for (const ownerId of owners) {
    const { routes: byRoute, ownerId: _, ...usage } = await ledger.usage(ownerId);
    expect(usage).toEqual(model.usage(ownerId));
    for (const route of routes) expect(byRoute[route] ?? model.usage('unknown')).toEqual(model.usage(ownerId, route));
  }
}

function expectedRecord(uploadId: string, upload: ModelUpload, clock: number) {
  const live = upload.state === 'granted' || upload.state === 'completing';
  return {
    uploadId,
    state: upload.state,
    fence: upload.fence,
    leaseLeftMs: upload.state === 'completing' ? Math.max(0, upload.leaseUntil - clock) : 0,
    createdAt: upload.createdAt,
    expiresAt: upload.expiresAt,
    abandonAt: upload.abandonAt,
    ended: !live,
    reserved: upload.reserved,
    storedBytes: upload.storedBytes,
    attempts: upload.attempts,
    interruptions: upload.interruptions,
    retryAt: upload.retryAt,
    parkedAt: upload.parkedAt,
  };
}

/** Checks that each owner's usage is the sum of its uploads. Returns the number of ended uploads. */
async function checkSums(ledger: Ledger): Promise<number> {
  const { uploads } = await ledger.list({ limit: 1000 });
  for (const ownerId of owners) {
    const usage = await ledger.usage(ownerId);
    const own = uploads.filter((upload) => upload.ownerId === ownerId);
    const pending = own.filter(({ isReserved }) => isReserved);
    const stored = own.filter(({ state }) => state === 'completed');
    expect(usage).toMatchObject({
      pendingFiles: pending.length,
      pendingBytes: pending.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0),
      storedFiles: stored.length,
      storedBytes: stored.reduce((sum, { file }) => sum + (file?.size ?? 0), 0),
    });
  }
  return uploads.filter(({ endedAt }) => endedAt !== null).length;
}
