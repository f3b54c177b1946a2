/** Any calls by any actors in any order: what the ledger answers, keeps and counts is what a model of plain objects does. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Ledger, NewUpload, Quota } from '../../src/server/index.ts';
import { createLedgerModel, type LedgerModel, type ModelUpload } from '../support/ledger-model.ts';
import { forEachLedger } from '../support/ledgers.ts';

const owners = ['anna', 'bea'] as const;
const routes = ['files', 'avatars'] as const;
const actors = 3;

const ms = fc.constantFrom(0, 1, 5, 50, 500);
const actor = fc.nat(actors - 1);
/** Which of the uploads there are, counted from the end. */
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
    /** Shares the object of this one. */
    shares: fc.option(which, { freq: 3 }),
    expiresInMs: ms,
    abandonAfterMs: ms,
  }),
  renew: fc.record({ which, ms }),
  claim: fc.record({ which, actor, ms }),
  retake: fc.record({ which, actor, ms }),
  calling: fc.record({ which, actor, ms }),
  release: fc.record({ which, actor }),
  failed: fc.record({ which, actor, retryInMs: fc.option(ms) }),
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
  lookAgain: fc.record({ which, ms }),
  unpark: fc.record({ which }),
  due: fc.record({}),
  wait: fc.record({ ms }),
} as const;

type Calls = { [Name in keyof typeof calls]: (typeof calls)[Name] extends fc.Arbitrary<infer Value> ? Value : never };
type Call = { [Name in keyof Calls]: { name: Name } & Calls[Name] }[keyof Calls];

const weights: Partial<Record<keyof Calls, number>> = {
  grant: 4,
  claim: 5,
  calling: 3,
  failed: 2,
  release: 2,
  end: 4,
  freeReservation: 3,
  expire: 2,
  due: 2,
};
const call = fc.oneof(
  ...(Object.entries(calls) as [keyof Calls, fc.Arbitrary<object>][]).map(([name, values]) => ({
    weight: weights[name] ?? 1,
    arbitrary: values.map((value) => ({ name, ...value }) as Call),
  })),
);
const manyCalls = fc.array(call, { minLength: 1, maxLength: 60, size: 'max' });

/** The fence that each actor last got for each upload, most of them out of date. */
type Fences = Map<string, number>[];

interface Playing {
  ledger: Ledger;
  model: LedgerModel;
  fences: Fences;
  ids: string[];
  tick(ms: number): void;
}

forEachLedger('ledger beside its model', (place) => {
  const numRuns = place.name === 'sqlite' ? 150 : 40;

  it('answers, keeps and counts as the model does', { timeout: 120_000 }, async () => {
    let clock = 1_700_000_000_000;
    const ledger = await place.open({ now: () => clock });
    let played = 0;
    await fc.assert(
      fc.asyncProperty(manyCalls, async (sequence) => {
        for (const table of ['waybill_uploads', 'waybill_usage']) await place.execute(`delete from ${table}`);
        const tick = (more: number) => {
          clock += more;
        };
        const playing: Playing = { ledger, model: createLedgerModel(() => clock), fences: noFences(), ids: [], tick };
        for (const one of sequence) {
          // No two in one millisecond: the oldest is one.
          tick(1);
          await play(playing, one);
          played += 1;
        }
        await compare(playing, clock);
      }),
      { numRuns },
    );
    expect(played).toBeGreaterThan(numRuns);
  });

  it('keeps its sums while calls run at once', { timeout: 120_000 }, async () => {
    const one = await place.open();
    // SQLite's second would be in a process of its own: it waits for the first without letting it go on.
    const ledgers = [one, place.name === 'postgres' ? await place.open() : one] as const;
    let ended = 0;
    await fc.assert(
      fc.asyncProperty(manyCalls, async (sequence) => {
        for (const table of ['waybill_uploads', 'waybill_usage']) await place.execute(`delete from ${table}`);
        const model = createLedgerModel(() => 0);
        const ids: string[] = [];
        for (const one of sequence) if (one.name === 'grant') await ledgers[0].grant([uploadOf(one, ids, model)]);
        const { uploads: there } = await ledgers[0].list({ limit: 1000 });
        const known = there.map(({ uploadId }) => uploadId);
        if (known.length === 0) return;
        const fences = noFences();
        const others = sequence.filter(({ name }) => name !== 'grant');
        for (let from = 0; from < others.length; from += 8)
          await Promise.all(
            others
              .slice(from, from + 8)
              .map((one, index) => perform(ledgers[(index % 2) as 0 | 1], one, { ids: known, fences })),
          );
        ended += await sumsHold(ledgers[0]);
      }),
      { numRuns: place.name === 'sqlite' ? 40 : 20 },
    );
    expect(ended).toBeGreaterThan(0);
  });
});

const noFences = (): Fences => Array.from({ length: actors }, () => new Map());

function pick(ids: readonly string[], which: number): string | undefined {
  return ids.length === 0 ? undefined : ids[ids.length - 1 - (which % ids.length)];
}

function uploadOf(of: { name: 'grant' } & Calls['grant'], ids: string[], model: LedgerModel): NewUpload {
  const uploadId = (ids.length + 1).toString(16).padStart(32, '0');
  ids.push(uploadId);
  const shared = of.shares === null ? undefined : model.uploads.get(pick([...model.uploads.keys()], of.shares) ?? '');
  return {
    uploadId,
    route: of.route,
    ownerId: of.owner,
    key: shared?.granted.key ?? `files/${uploadId}`,
    fileName: 'photo.bin',
    contentType: 'image/jpeg',
    size: of.bytes,
    partSize: null,
    transfer: shared ? 'none' : 'put',
    checksum: null,
    metadata: undefined,
    reservedBytes: of.bytes,
    expiresInMs: of.expiresInMs,
    abandonAfterMs: of.abandonAfterMs,
    quotas: of.quotas,
  };
}

function endingOf(uploadId: string, state: Calls['end']['state'], size: number) {
  const facts = { uploadId, route: 'files', key: 'k', fileName: 'f', contentType: 'image/jpeg', checksum: null };
  const file = { ...facts, size, etag: '"e"', url: '/f', storedAt: '' };
  const error = { code: 'upload_rejected' as const, message: 'no', retryable: false };
  if (state === 'completed') return { state, file, data: null };
  return state === 'rejected' ? { state, error } : { state: state as 'aborted' | 'expired' };
}

/** One call, with whatever fence its actor remembers. */
async function perform(
  ledger: Ledger,
  one: Call,
  { ids, fences }: Pick<Playing, 'ids' | 'fences'>,
): Promise<{ uploadId: string; fence: number; answer: unknown } | undefined> {
  const uploadId = 'which' in one ? pick(ids, one.which) : undefined;
  if (uploadId === undefined) return undefined;
  const remembered = 'actor' in one ? (fences[one.actor] as Map<string, number>) : new Map<string, number>();
  const fence = remembered.get(uploadId) ?? 0;
  const keep = (got: number | null | undefined) => {
    if (typeof got === 'number') remembered.set(uploadId, got);
    return got;
  };
  const answer = await (async () => {
    if (one.name === 'renew') return ledger.renew(uploadId, one.ms);
    if (one.name === 'claim') {
      const claim = await ledger.claim(uploadId, one.ms);
      return claim && 'fence' in claim ? keep(claim.fence) : 'held';
    }
    if (one.name === 'retake') return keep(await ledger.retake(uploadId, fence, one.ms));
    if (one.name === 'calling') return keep(await ledger.calling(uploadId, fence, one.ms));
    if (one.name === 'release') return ledger.release(uploadId, fence);
    if (one.name === 'failed') return ledger.failed(uploadId, fence, 'no', one.retryInMs);
    if (one.name === 'end') return ledger.end(uploadId, fence, endingOf(uploadId, one.state, one.bytes));
    if (one.name === 'abort') return ledger.abort(uploadId);
    if (one.name === 'expire') return ledger.expire(uploadId);
    if (one.name === 'freeReservation') return ledger.freeReservation(uploadId);
    if (one.name === 'lookAgain') return ledger.lookAgain(uploadId, one.ms);
    if (one.name === 'unpark') return ledger.unpark(uploadId);
    if (one.name === 'delete') {
      const deleted = await ledger.delete({ uploadId });
      return deleted && { last: deleted.last };
    }
    return undefined;
  })();
  return { uploadId, fence, answer };
}

async function play({ ledger, model, fences, ids, tick }: Playing, one: Call): Promise<void> {
  if (one.name === 'wait') return tick(one.ms);
  if (one.name === 'due')
    return expect((await ledger.due(1000)).map(({ uploadId }) => uploadId).sort()).toEqual(model.due());
  if (one.name === 'grant') {
    const upload = uploadOf(one, ids, model);
    const [refusal] = await ledger.grant([upload]);
    expect(refusal === null).toBe(model.grant(upload));
    if (refusal !== null) ids.pop();
    return;
  }
  const done = await perform(ledger, one, { ids, fences });
  if (done) expect(done.answer, one.name).toEqual(answerOf(model, one, done.uploadId, done.fence));
}

function answerOf(model: LedgerModel, one: Call, uploadId: string, fence: number): unknown {
  if (one.name === 'claim') return model.claim(uploadId, one.ms);
  if (one.name === 'renew') return model.renew(uploadId, one.ms);
  if (one.name === 'retake') return model.retake(uploadId, fence, one.ms);
  if (one.name === 'calling') return model.calling(uploadId, fence, one.ms);
  if (one.name === 'release') return model.release(uploadId, fence);
  if (one.name === 'failed') return model.failed(uploadId, fence, one.retryInMs);
  if (one.name === 'end') return model.end(uploadId, fence, one.state, one.bytes);
  if (one.name === 'lookAgain') return model.lookAgain(uploadId, one.ms);
  if (
    one.name === 'abort' ||
    one.name === 'expire' ||
    one.name === 'freeReservation' ||
    one.name === 'delete' ||
    one.name === 'unpark'
  )
    return model[one.name](uploadId);
  return undefined;
}

async function compare({ ledger, model }: Playing, clock: number): Promise<void> {
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
  const expected = [...model.uploads].map(([uploadId, upload]) => expectedOf(uploadId, upload, clock)).reverse();
  expect(kept).toEqual(expected);
  for (const ownerId of owners) {
    const { routes: byRoute, ownerId: _, ...usage } = await ledger.usage(ownerId);
    expect(usage).toEqual(model.usage(ownerId));
    for (const route of routes) expect(byRoute[route] ?? model.usage('nobody')).toEqual(model.usage(ownerId, route));
  }
}

function expectedOf(uploadId: string, upload: ModelUpload, clock: number) {
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

/** Whatever the order was: what owners have is the sum of what is there. Returns how many have ended. */
async function sumsHold(ledger: Ledger): Promise<number> {
  const { uploads } = await ledger.list({ limit: 1000 });
  for (const ownerId of owners) {
    const usage = await ledger.usage(ownerId);
    const own = uploads.filter((one) => one.ownerId === ownerId);
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
