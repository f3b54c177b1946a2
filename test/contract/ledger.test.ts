/** The ledger's promises, on both databases: states, fences, reservations, the outbox. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  type Ledger,
  mayFollow,
  type NewUpload,
  type Quota,
  transitions,
  type UploadState,
} from '../../src/server/index.ts';
import { forEachLedger } from '../support/ledgers.ts';

const MiB = 1024 * 1024;

function upload(more: Partial<NewUpload> = {}): NewUpload {
  const uploadId = randomBytes(16).toString('hex');
  return {
    uploadId,
    route: 'files',
    ownerId: 'anna',
    key: `files/anna/${uploadId}.bin`,
    fileName: 'photo.bin',
    contentType: 'application/octet-stream',
    size: 1000,
    partSize: null,
    transfer: 'put',
    checksum: { algorithm: 'sha256', value: randomBytes(32).toString('base64') },
    metadata: { tag: 'a' },
    reservedBytes: more.size ?? 1000,
    expiresInMs: 900_000,
    abandonAfterMs: 600_000,
    quotas: { owner: null, route: null },
    ...more,
  };
}

function fileOf({ uploadId, route, key, fileName, size, contentType, checksum }: NewUpload) {
  const storedAt = new Date(0).toISOString();
  const facts = { uploadId, route, key, fileName, size: size ?? 7, contentType, checksum };
  return { ...facts, etag: '"e"', url: `/files/${uploadId}`, storedAt };
}

async function granted(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<NewUpload> {
  const one = upload(more);
  expect(await ledger.grant([one])).toEqual([null]);
  return one;
}

async function claimed(ledger: Ledger, uploadId: string, leaseMs = 60_000): Promise<number> {
  const claim = await ledger.claim(uploadId, leaseMs);
  if (!claim || !('fence' in claim)) throw new Error('not claimed');
  return claim.fence;
}

async function completed(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<NewUpload> {
  const one = await granted(ledger, more);
  const fence = await claimed(ledger, one.uploadId);
  expect(await ledger.end(one.uploadId, fence, { state: 'completed', file: fileOf(one), data: { n: 1 } })).toBe(true);
  return one;
}

forEachLedger('ledger', (place) => {
  it('records a grant as it was given, by its own clock', async () => {
    const ledger = await place.open();
    const before = await ledger.ping();
    const one = await granted(ledger, { partSize: 5 * MiB, transfer: 'multipart', checksum: null });
    const record = await ledger.find(one.uploadId);
    const after = await ledger.ping();
    const { quotas: _, expiresInMs, abandonAfterMs, ...facts } = one;
    expect(record).toMatchObject({
      ...facts,
      state: 'granted',
      fence: 0,
      leaseLeftMs: 0,
      multipartId: null,
      endedAt: null,
    });
    expect(record?.createdAt).toBeGreaterThanOrEqual(before);
    expect(record?.createdAt).toBeLessThanOrEqual(after);
    // Each is read from the database's clock, which goes on between two reads.
    expect((record?.expiresAt ?? 0) - (record?.createdAt ?? 0) - expiresInMs).toBeLessThan(1000);
    expect(Math.abs((record?.abandonAt ?? 0) - (record?.expiresAt ?? 0) - abandonAfterMs)).toBeLessThan(1000);
    expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
    expect(await ledger.find('0'.repeat(32))).toBeNull();
  });

  it('keeps metadata as it is: none, null, unicode, large', async () => {
    const ledger = await place.open();
    for (const metadata of [undefined, null, 'ü', { deep: [1, { x: 'x'.repeat(100_000) }] }]) {
      const { uploadId } = await granted(ledger, { metadata });
      expect((await ledger.find(uploadId))?.metadata).toEqual(metadata);
    }
  });

  it('a hundred grants at once against room for three are three (F1)', async () => {
    const ledger = await place.open();
    const quotas = { owner: { maxBytes: 3500 }, route: null };
    const uploads = Array.from({ length: 100 }, () => upload({ quotas }));
    const answers = (await Promise.all(uploads.map((one) => ledger.grant([one])))).flat();
    expect(answers.filter((one) => one === null)).toHaveLength(3);
    expect(answers.find((one) => one !== null)).toEqual({ quota: 'owner', rule: 'maxBytes', limit: 3500, used: 3000 });
    expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 3000, pendingFiles: 3, storedBytes: 0 });
    const known = await ledger.findMany(uploads.map(({ uploadId }) => uploadId));
    expect([...known.keys()].sort()).toEqual(
      uploads
        .filter((_, index) => answers[index] === null)
        .map(({ uploadId }) => uploadId)
        .sort(),
    );
  });

  it.each<[string, Quota, number]>([
    ['maxFiles', { maxFiles: 2 }, 2],
    ['maxBytes', { maxBytes: 2999 }, 2],
    ['maxPendingBytes', { maxPendingBytes: 1000 }, 1],
  ])('%s of a route bounds that route alone, in one request and in several', async (rule, route, room) => {
    const ledger = await place.open();
    const quotas = { owner: null, route };
    const answers = await ledger.grant([upload({ quotas }), upload({ quotas }), upload({ quotas })]);
    expect(answers.map((one) => (one && 'rule' in one ? one.rule : null))).toEqual(
      [0, 1, 2].map((n) => (n < room ? null : rule)),
    );
    expect(await ledger.grant([upload({ quotas })])).toMatchObject([{ quota: 'route', rule }]);
    expect(await ledger.grant([upload({ quotas, route: 'others' })])).toEqual([null]);
    expect(await ledger.grant([upload({ quotas, ownerId: 'bea' })])).toEqual([null]);
  });

  it('one that fails in a group leaves the others granted', async () => {
    const ledger = await place.open();
    const twice = upload();
    await ledger.grant([twice]);
    const good = [upload({ ownerId: 'cem' }), upload({ ownerId: 'cem' })];
    const answers = await Promise.allSettled([
      ledger.grant([good[0] as NewUpload]),
      ledger.grant([twice]),
      ledger.grant([good[1] as NewUpload]),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await ledger.usage('cem')).toMatchObject({ pendingFiles: 2 });
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1, pendingBytes: 1000 });
  });

  it('moves reserved to stored when it completes, and gives back what ended otherwise', async () => {
    const ledger = await place.open();
    const one = await completed(ledger);
    expect(await ledger.usage('anna')).toMatchObject({
      storedBytes: 1000,
      storedFiles: 1,
      pendingBytes: 0,
      pendingFiles: 0,
    });
    expect(await ledger.find(one.uploadId)).toMatchObject({
      state: 'completed',
      data: { n: 1 },
      file: { key: one.key },
    });
    const aborted = await granted(ledger);
    expect(await ledger.abort(aborted.uploadId)).toBe(true);
    // Its request may still store.
    expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 1000, pendingFiles: 1 });
    expect(await ledger.freeReservation(aborted.uploadId)).toBe(true);
    expect(await ledger.freeReservation(aborted.uploadId)).toBe(false);
    const rejected = await granted(ledger);
    const fence = await claimed(ledger, rejected.uploadId);
    const error = { code: 'checksum_mismatch' as const, message: 'no', retryable: false };
    await ledger.end(rejected.uploadId, fence, { state: 'rejected', error });
    expect(await ledger.freeReservation(rejected.uploadId)).toBe(true);
    expect(await ledger.find(rejected.uploadId)).toMatchObject({ state: 'rejected', error });
    expect(await ledger.usage('anna')).toMatchObject({
      storedBytes: 1000,
      storedFiles: 1,
      pendingBytes: 0,
      pendingFiles: 0,
    });
    const stream = await granted(ledger, { size: null, reservedBytes: 10 * MiB });
    expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 10 * MiB });
    const streamFence = await claimed(ledger, stream.uploadId);
    await ledger.end(stream.uploadId, streamFence, { state: 'completed', file: fileOf(stream), data: null });
    expect(await ledger.usage('anna')).toMatchObject({
      storedBytes: 1007,
      storedFiles: 2,
      pendingBytes: 0,
      pendingFiles: 0,
    });
    expect(await ledger.delete({ uploadId: one.uploadId })).toMatchObject({ last: true, record: { key: one.key } });
    expect(await ledger.delete({ key: one.key })).toBeNull();
    expect((await ledger.usage('anna')).routes).toEqual({
      files: { storedBytes: 7, storedFiles: 1, pendingBytes: 0, pendingFiles: 0 },
    });
  });

  it('asks the quota again for an upload that had expired, and gives it no room that is taken', async () => {
    const ledger = await place.open();
    const quotas = { owner: { maxFiles: 1 }, route: { maxBytes: 1500 } };
    const late = await granted(ledger, { quotas, expiresInMs: 0, abandonAfterMs: 0 });
    expect(await ledger.expire(late.uploadId)).toBe(true);
    await ledger.freeReservation(late.uploadId);
    const other = await granted(ledger, { quotas });
    const refusal = { quota: 'owner', rule: 'maxFiles', limit: 1, used: 1 };
    const claim = await ledger.claim(late.uploadId, 60_000);
    expect(claim).toMatchObject({ refusal });
    const fence = (claim as { fence: number }).fence;
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1, pendingBytes: 1000 });
    expect(await ledger.end(late.uploadId, fence, { state: 'completed', file: fileOf(late), data: null })).toBe(false);
    const error = { code: 'quota_exceeded' as const, message: 'no', retryable: false };
    expect(await ledger.end(late.uploadId, fence, { state: 'rejected', error })).toBe(true);
    expect(await ledger.freeReservation(late.uploadId)).toBe(false);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1, pendingBytes: 1000 });
    await ledger.abort(other.uploadId);
    await ledger.freeReservation(other.uploadId);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 0, pendingBytes: 0, routes: {} });
  });

  it('an idempotency key names one live upload of its owner and route, and is free again after its end', async () => {
    const ledger = await place.open();
    const keyed = (more: Partial<NewUpload> = {}) => upload({ idempotencyKey: 'key-1', ...more });
    const first = keyed();
    // In one request, in one transaction, and later.
    const again = await Promise.all([ledger.grant([first, keyed()]), ledger.grant([keyed()]), ledger.grant([keyed()])]);
    const existing = { existing: first.uploadId };
    expect(again).toEqual([[null, existing], [existing], [existing]]);
    expect(await ledger.grant([keyed({ ownerId: 'bea' }), keyed({ route: 'others' })])).toEqual([null, null]);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 2, pendingBytes: 2000 });
    await ledger.abort(first.uploadId);
    const second = keyed();
    expect(await ledger.grant([second])).toEqual([null]);
    const fence = await claimed(ledger, second.uploadId);
    await ledger.end(second.uploadId, fence, { state: 'completed', file: fileOf(second), data: null });
    expect(await ledger.grant([keyed()])).toEqual([{ existing: second.uploadId }]);
    await ledger.delete({ uploadId: second.uploadId });
    expect(await ledger.grant([keyed()])).toEqual([null]);
  });

  it('of fifty that claim at once, one has it', async () => {
    const ledger = await place.open();
    const { uploadId } = await granted(ledger);
    const claims = await Promise.all(Array.from({ length: 50 }, () => ledger.claim(uploadId, 60_000)));
    expect(claims.filter((one) => one && 'fence' in one)).toHaveLength(1);
    for (const one of claims) if (one && 'held' in one) expect(one.held.leaseLeftMs).toBeGreaterThan(50_000);
    expect(await ledger.claim('0'.repeat(32), 60_000)).toBeNull();
  });

  it('whoever wakes up after its lease was taken over writes nothing', async () => {
    const ledger = await place.open();
    const one = await granted(ledger);
    const { uploadId } = one;
    const stalled = await claimed(ledger, uploadId, 0);
    const successor = await claimed(ledger, uploadId);
    expect(successor).toBeGreaterThan(stalled);
    expect(await ledger.retake(uploadId, stalled, 60_000)).toBeNull();
    expect(await ledger.calling(uploadId, stalled, 60_000)).toBeNull();
    await ledger.release(uploadId, stalled);
    await ledger.failed(uploadId, stalled, 'late', null);
    expect(await ledger.end(uploadId, stalled, { state: 'completed', file: fileOf(one), data: 'stalled' })).toBe(false);
    expect(await ledger.find(uploadId)).toMatchObject({ state: 'completing', fence: successor });
    expect(await ledger.end(uploadId, successor, { state: 'completed', file: fileOf(one), data: 'successor' })).toBe(
      true,
    );
    expect(await ledger.find(uploadId)).toMatchObject({ data: 'successor' });
    expect(await ledger.usage('anna')).toMatchObject({ storedFiles: 1, pendingFiles: 0 });
  });

  it('does not try sooner than it said, though the lease is let go as well', async () => {
    const ledger = await place.open();
    for (const retryInMs of [60_000, null]) {
      const { uploadId } = await granted(ledger);
      const fence = await claimed(ledger, uploadId);
      await ledger.failed(uploadId, fence, 'no', retryInMs);
      await ledger.release(uploadId, fence);
    }
    expect(await ledger.due(10)).toEqual([]);
  });

  it('counts callbacks, and those that were interrupted', async () => {
    const ledger = await place.open();
    const { uploadId } = await granted(ledger);
    const first = await claimed(ledger, uploadId, 0);
    await ledger.calling(uploadId, first, 0);
    const second = await claimed(ledger, uploadId);
    const calling = (await ledger.calling(uploadId, second, 60_000)) as number;
    expect((await ledger.find(uploadId))?.callback).toMatchObject({ attempts: 2, interruptions: 1 });
    await ledger.failed(uploadId, calling, 'it threw', 3_600_000);
    expect((await ledger.find(uploadId))?.callback).toMatchObject({
      attempts: 2,
      interruptions: 1,
      lastError: 'it threw',
    });
    expect(await ledger.due(10)).toEqual([]);
    expect(await ledger.counts()).toMatchObject({ waitingCallbacks: 1, parkedCallbacks: 0, states: { completing: 1 } });
    expect(await ledger.unpark(uploadId)).toBe(true);
    expect((await ledger.due(10)).map((one) => one.uploadId)).toEqual([uploadId]);
    const third = await claimed(ledger, uploadId);
    expect((await ledger.find(uploadId))?.callback.interruptions).toBe(1);
    await ledger.failed(uploadId, third, 'again', null);
    expect(await ledger.due(10)).toEqual([]);
    expect(await ledger.counts()).toMatchObject({ waitingCallbacks: 0, parkedCallbacks: 1 });
    expect((await ledger.list({ parked: true })).uploads.map((one) => one.uploadId)).toEqual([uploadId]);
  });

  it('refuses every way from state to state that is not in the table', async () => {
    const ledger = await place.open();
    const states = Object.keys(transitions) as UploadState[];
    let tried = 0;
    for (const from of states)
      for (const to of states) {
        if (from === to) continue;
        const one = await inState(ledger, from);
        expect((await ledger.find(one.uploadId))?.state).toBe(from);
        await move(ledger, one, to);
        const state = (await ledger.find(one.uploadId))?.state;
        expect([from, to, state]).toEqual([from, to, mayFollow(from, to) ? to : from]);
        tried += 1;
      }
    expect(tried).toBe(42);
    const usage = await ledger.usage('anna');
    const { uploads } = await ledger.list({ limit: 1000 });
    expect(usage).toMatchObject({
      storedFiles: uploads.filter(({ state }) => state === 'completed').length,
      pendingFiles: uploads.filter(({ isReserved }) => isReserved).length,
    });
  });

  it('expires what was given up and not what was renewed, and takes it back when the bytes are there', async () => {
    const ledger = await place.open();
    const gone = await granted(ledger, { expiresInMs: 0, abandonAfterMs: 0 });
    const later = await granted(ledger, { expiresInMs: 0, abandonAfterMs: 60_000 });
    expect((await ledger.due(10)).map((one) => one.uploadId).sort()).toEqual([gone.uploadId, later.uploadId].sort());
    expect(await ledger.expire(later.uploadId)).toBe(false);
    await ledger.lookAgain(later.uploadId, 60_000);
    expect(await ledger.expire(gone.uploadId)).toBe(true);
    expect(await ledger.due(10)).toEqual([]);
    expect(await ledger.freeReservation(gone.uploadId)).toBe(true);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1 });
    const fence = await claimed(ledger, gone.uploadId);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 2 });
    await ledger.end(gone.uploadId, fence, { state: 'completed', file: fileOf(gone), data: null });
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1, storedFiles: 1 });
    const renewed = await granted(ledger, { expiresInMs: 0, abandonAfterMs: 0 });
    expect(await ledger.renew(renewed.uploadId, 60_000)).toBe(true);
    expect(await ledger.expire(renewed.uploadId)).toBe(false);
    expect(await ledger.renew(gone.uploadId, 60_000)).toBe(false);
    expect(await ledger.begun(renewed.uploadId, 'mp')).toBe(true);
    expect(await ledger.begun(gone.uploadId, 'mp')).toBe(false);
    expect((await ledger.find(renewed.uploadId))?.multipartId).toBe('mp');
  });

  it('knows what the owner stored by its bytes, and deletes a shared object with the last of them', async () => {
    const ledger = await place.open();
    const one = await completed(ledger);
    const sha256 = one.checksum?.value as string;
    const of = { ownerId: 'anna', route: 'files', sha256, size: 1000 };
    expect((await ledger.findStored(of))?.uploadId).toBe(one.uploadId);
    for (const other of [{ ownerId: 'bea' }, { route: 'others' }, { size: 999 }, { sha256: 'x' }])
      expect(await ledger.findStored({ ...of, ...other })).toBeNull();
    const two = await completed(ledger, { key: one.key, transfer: 'none', checksum: one.checksum });
    expect([...(await ledger.keysInUse([one.key, 'nobody']))]).toEqual([one.key]);
    const gone = await Promise.all([
      ledger.delete({ uploadId: one.uploadId }),
      ledger.delete({ uploadId: two.uploadId }),
    ]);
    expect(gone.map((each) => each?.last).sort()).toEqual([false, true]);
    expect(await ledger.findStored(of)).toBeNull();
    expect((await ledger.keysInUse([one.key])).size).toBe(0);
  });

  it('writes messages with the ending they tell of, and hands each to one deliverer at a time', async () => {
    const ledger = await place.open();
    const one = await granted(ledger);
    const fence = await claimed(ledger, one.uploadId);
    const webhooks = [{ webhookId: `msg_${one.uploadId}`, type: 'upload.completed', payload: '{"a":1}' }];
    const ending = { state: 'completed' as const, file: fileOf(one), data: null, webhooks };
    expect(await ledger.end(one.uploadId, fence + 1, ending)).toBe(false);
    expect(await ledger.takeWebhooks(10, 0)).toEqual([]);
    await ledger.end(one.uploadId, fence, ending);
    const taken = (await Promise.all([1, 2, 3].map(() => ledger.takeWebhooks(10, 60_000)))).flat();
    expect(taken).toMatchObject([{ ...webhooks[0], uploadId: one.uploadId, attempts: 1 }]);
    const { webhookId } = taken[0] as { webhookId: string };
    await ledger.webhookFailed(webhookId, '503', 0);
    expect(await ledger.takeWebhooks(10, 60_000)).toMatchObject([{ attempts: 2, lastError: '503' }]);
    await ledger.webhookFailed(webhookId, 'gone', null);
    expect(await ledger.counts()).toMatchObject({ pendingWebhooks: 0, parkedWebhooks: 1 });
    expect((await ledger.listWebhooks({ state: 'parked' })).webhooks).toHaveLength(1);
    expect(await ledger.replayWebhook(webhookId)).toBe(true);
    expect(await ledger.replayWebhook('msg_none')).toBe(false);
    expect(await ledger.takeWebhooks(10, 60_000)).toHaveLength(1);
    await ledger.webhookDelivered(webhookId);
    expect((await ledger.listWebhooks({ state: 'delivered' })).webhooks).toMatchObject([{ webhookId, nextAt: null }]);
  });

  it('locks for one holder, until it lets go or the time is over', async () => {
    const ledger = await place.open();
    expect(await ledger.lock('sweep', 'a', 60_000)).toBe(true);
    expect(await ledger.lock('sweep', 'b', 60_000)).toBe(false);
    expect(await ledger.lock('sweep', 'a', 0)).toBe(true);
    expect(await ledger.lock('sweep', 'b', 60_000)).toBe(true);
    await ledger.unlock('sweep', 'a');
    expect(await ledger.lock('sweep', 'a', 60_000)).toBe(false);
    await ledger.unlock('sweep', 'b');
    expect(await ledger.lock('sweep', 'a', 60_000)).toBe(true);
  });

  it('lists in pages without gaps or doubles', async () => {
    const ledger = await place.open();
    const all = await ledger.grant(Array.from({ length: 25 }, (_, n) => upload({ ownerId: n % 2 ? 'anna' : 'bea' })));
    expect(all).toHaveLength(25);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await ledger.list({ limit: 7, ...(after === undefined ? {} : { after }) });
      seen.push(...page.uploads.map(({ uploadId }) => uploadId));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
    expect((await ledger.list({ ownerId: 'anna' })).uploads).toHaveLength(12);
    expect((await ledger.list({ states: ['completed'] })).uploads).toEqual([]);
    const owners = await ledger.usageByOwner({ limit: 1 });
    expect(owners.owners).toHaveLength(1);
    const rest = await ledger.usageByOwner({ limit: 5, after: owners.next as string });
    expect([...owners.owners, ...rest.owners].map(({ ownerId }) => ownerId).sort()).toEqual(['anna', 'bea']);
  });

  it('remembers the last sweep, and forgets what ended long ago', async () => {
    const ledger = await place.open();
    expect(await ledger.lastSweep()).toBeNull();
    const orphans = [{ key: 'k', kind: 'object' as const, size: 1, multipartId: null, since: '2026', removed: false }];
    for (const startedAt of [1, 2]) await ledger.recordSweep({ startedAt, endedAt: 3, report: { startedAt }, orphans });
    expect(await ledger.lastSweep()).toEqual({ startedAt: 2, endedAt: 3, report: { startedAt: 2 }, orphans });
    const aborted = await granted(ledger);
    await ledger.abort(aborted.uploadId);
    expect(await ledger.forget(-1000, 10)).toBe(0);
    await ledger.freeReservation(aborted.uploadId);
    const kept = await completed(ledger);
    expect(await ledger.forget(60_000, 10)).toBe(0);
    expect(await ledger.forget(-1000, 10)).toBe(1);
    expect(await ledger.find(aborted.uploadId)).toBeNull();
    expect(await ledger.find(kept.uploadId)).not.toBeNull();
  });

  it('is there again when it is opened again, also by two at once', async () => {
    const ledger = await place.open();
    const one = await granted(ledger);
    const others = await Promise.all([place.reopen(), place.reopen()]);
    for (const other of others) expect(await other.find(one.uploadId)).toMatchObject({ state: 'granted' });
  });

  it('refuses a schema that a newer Waybill made', async () => {
    const ledger = await place.open();
    await ledger.ping();
    await place.execute('insert into waybill_migrations (version, migrated_at) values (99, 0)');
    await expect(place.reopen()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('newer'),
    });
  });
});

async function inState(ledger: Ledger, state: UploadState): Promise<NewUpload> {
  const one = await granted(ledger, { expiresInMs: 0, abandonAfterMs: 0 });
  const { uploadId } = one;
  if (state === 'expired') await ledger.expire(uploadId);
  if (state === 'aborted') await ledger.abort(uploadId);
  // A lease that is over at once: what may only be done then is done.
  if (!['granted', 'expired', 'aborted'].includes(state)) await claimed(ledger, uploadId, 0);
  if (['completed', 'deleted', 'rejected'].includes(state))
    await move(ledger, one, state === 'deleted' ? 'completed' : state);
  if (state === 'deleted') await ledger.delete({ uploadId });
  return one;
}

/** As the server would go about it. */
async function move(ledger: Ledger, one: NewUpload, to: UploadState): Promise<void> {
  const { uploadId } = one;
  const record = await ledger.find(uploadId);
  const fence = record?.fence ?? 0;
  const error = { code: 'upload_rejected' as const, message: 'no', retryable: false };
  if (to === 'completing') await ledger.claim(uploadId, 60_000);
  else if (to === 'completed') await ledger.end(uploadId, fence, { state: to, file: fileOf(one), data: null });
  else if (to === 'rejected') await ledger.end(uploadId, fence, { state: to, error });
  else if (to === 'deleted') await ledger.delete({ uploadId });
  else if (to === 'aborted') (await ledger.abort(uploadId)) || (await ledger.end(uploadId, fence, { state: to }));
  else if (to === 'expired') (await ledger.expire(uploadId)) || (await ledger.end(uploadId, fence, { state: to }));
}
