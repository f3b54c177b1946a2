/** The ledger on each database: states, fences, reservations, idempotency keys, the outbox, locks and lists. */
import { expect, it } from 'vitest';
import type { Ledger, Quota, UploadState } from '../../src/server/index.ts';
import { mayFollow, type NewUpload, stateTransitions } from '../../src/server/internal.ts';
import { forEachLedger } from '../support/ledgers.ts';
import { makeUpload } from '../support/new-upload.ts';

const MiB = 1024 * 1024;

function fileOf({ uploadId, route, key, fileName, size, contentType, checksum }: NewUpload) {
  const storedAt = new Date(0).toISOString();
  const facts = { uploadId, route, key, fileName, size: size ?? 7, contentType, checksum };
  return { ...facts, etag: '"e"', url: `/files/${uploadId}`, storedAt };
}

async function addGranted(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<NewUpload> {
  const upload = makeUpload(more);
  expect(await ledger.grant([upload])).toEqual([null]);
  return upload;
}

async function takeLease(ledger: Ledger, uploadId: string, leaseMs = 60_000): Promise<number> {
  const leased = await ledger.takeLease(uploadId, leaseMs);
  if (!leased || !('fence' in leased)) throw new Error('not leased');
  return leased.fence;
}

async function addCompleted(ledger: Ledger, more: Partial<NewUpload> = {}): Promise<NewUpload> {
  const upload = await addGranted(ledger, more);
  const fence = await takeLease(ledger, upload.uploadId);
  expect(await ledger.end(upload.uploadId, fence, { state: 'completed', file: fileOf(upload), data: { n: 1 } })).toBe(
    true,
  );
  return upload;
}

forEachLedger('ledger', (testLedger) => {
  it('grant() records an upload with times of the database clock', async () => {
    const ledger = await testLedger.open();
    const before = await ledger.ping();
    const upload = await addGranted(ledger, { partSize: 5 * MiB, transfer: 'multipart', checksum: null });
    const record = await ledger.find(upload.uploadId);
    const after = await ledger.ping();
    const { quotas: _, expiresInMs, abandonAfterMs, ...facts } = upload;
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
    // The database's clock is read for each time, so the differences are not exact.
    expect((record?.expiresAt ?? 0) - (record?.createdAt ?? 0) - expiresInMs).toBeLessThan(1000);
    expect(Math.abs((record?.abandonAt ?? 0) - (record?.expiresAt ?? 0) - abandonAfterMs)).toBeLessThan(1000);
    expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
    expect(await ledger.find('0'.repeat(32))).toBeNull();
  });

  it('grant() keeps metadata unchanged: undefined, null, Unicode and large values', async () => {
    const ledger = await testLedger.open();
    for (const metadata of [undefined, null, 'ü', { deep: [1, { x: 'x'.repeat(100_000) }] }]) {
      const { uploadId } = await addGranted(ledger, { metadata });
      expect((await ledger.find(uploadId))?.metadata).toEqual(metadata);
    }
  });

  it('owners that differ in case, accents or trailing spaces are different owners', async () => {
    const ledger = await testLedger.open();
    const owners = ['anna', 'Anna', 'anna ', 'ánna'];
    for (const [n, ownerId] of owners.entries())
      await ledger.grant(Array.from({ length: n + 1 }, () => makeUpload({ ownerId })));
    for (const [n, ownerId] of owners.entries()) {
      expect(await ledger.usage(ownerId)).toMatchObject({ pendingFiles: n + 1 });
      expect((await ledger.list({ ownerId })).uploads).toHaveLength(n + 1);
    }
  });

  it('F1 a hundred grants at once with a quota for three give three', async () => {
    const ledger = await testLedger.open();
    const quotas = { owner: { maxBytes: 3500 }, route: null };
    const uploads = Array.from({ length: 100 }, () => makeUpload({ quotas }));
    const answers = (await Promise.all(uploads.map((upload) => ledger.grant([upload])))).flat();
    expect(answers.filter((answer) => answer === null)).toHaveLength(3);
    expect(answers.find((answer) => answer !== null)).toEqual({
      quota: 'owner',
      rule: 'maxBytes',
      limit: 3500,
      used: 3000,
    });
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
  ])('%s of a route limits only that route, in one request and in several', async (rule, route, allowed) => {
    const ledger = await testLedger.open();
    const quotas = { owner: null, route };
    const answers = await ledger.grant([makeUpload({ quotas }), makeUpload({ quotas }), makeUpload({ quotas })]);
    expect(answers.map((answer) => (answer && 'rule' in answer ? answer.rule : null))).toEqual(
      [0, 1, 2].map((n) => (n < allowed ? null : rule)),
    );
    expect(await ledger.grant([makeUpload({ quotas })])).toMatchObject([{ quota: 'route', rule }]);
    expect(await ledger.grant([makeUpload({ quotas, route: 'others' })])).toEqual([null]);
    expect(await ledger.grant([makeUpload({ quotas, ownerId: 'bea' })])).toEqual([null]);
  });

  it('a grant that fails in a group does not fail the others', async () => {
    const ledger = await testLedger.open();
    const duplicate = makeUpload();
    await ledger.grant([duplicate]);
    const good = [makeUpload({ ownerId: 'cem' }), makeUpload({ ownerId: 'cem' })];
    const answers = await Promise.allSettled([
      ledger.grant([good[0] as NewUpload]),
      ledger.grant([duplicate]),
      ledger.grant([good[1] as NewUpload]),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await ledger.usage('cem')).toMatchObject({ pendingFiles: 2 });
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1, pendingBytes: 1000 });
  });

  it('end() moves reserved bytes to stored bytes, and freeReservation() releases those of other ends', async () => {
    const ledger = await testLedger.open();
    const upload = await addCompleted(ledger);
    expect(await ledger.usage('anna')).toMatchObject({
      storedBytes: 1000,
      storedFiles: 1,
      pendingBytes: 0,
      pendingFiles: 0,
    });
    expect(await ledger.find(upload.uploadId)).toMatchObject({
      state: 'completed',
      data: { n: 1 },
      file: { key: upload.key },
    });
    const aborted = await addGranted(ledger);
    expect(await ledger.abort(aborted.uploadId)).toBe(true);
    // The reservation stays because the request can still store the file.
    expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 1000, pendingFiles: 1 });
    expect(await ledger.freeReservation(aborted.uploadId)).toBe(true);
    expect(await ledger.freeReservation(aborted.uploadId)).toBe(false);
    const rejected = await addGranted(ledger);
    const fence = await takeLease(ledger, rejected.uploadId);
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
    const stream = await addGranted(ledger, { size: null, reservedBytes: 10 * MiB });
    expect(await ledger.usage('anna')).toMatchObject({ pendingBytes: 10 * MiB });
    const streamFence = await takeLease(ledger, stream.uploadId);
    await ledger.end(stream.uploadId, streamFence, { state: 'completed', file: fileOf(stream), data: null });
    expect(await ledger.usage('anna')).toMatchObject({
      storedBytes: 1007,
      storedFiles: 2,
      pendingBytes: 0,
      pendingFiles: 0,
    });
    expect(await ledger.delete({ uploadId: upload.uploadId })).toMatchObject({
      last: true,
      record: { key: upload.key },
    });
    expect(await ledger.delete({ key: upload.key })).toBeNull();
    expect((await ledger.usage('anna')).routes).toEqual({
      files: { storedBytes: 7, storedFiles: 1, pendingBytes: 0, pendingFiles: 0 },
    });
  });

  it('takeLease() checks the quota again for an expired upload', async () => {
    const ledger = await testLedger.open();
    const quotas = { owner: { maxFiles: 1 }, route: { maxBytes: 1500 } };
    const late = await addGranted(ledger, { quotas, expiresInMs: 0, abandonAfterMs: 0 });
    expect(await ledger.expire(late.uploadId)).toBe(true);
    await ledger.freeReservation(late.uploadId);
    const other = await addGranted(ledger, { quotas });
    const refusal = { quota: 'owner', rule: 'maxFiles', limit: 1, used: 1 };
    const leased = await ledger.takeLease(late.uploadId, 60_000);
    expect(leased).toMatchObject({ refusal });
    const fence = (leased as { fence: number }).fence;
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

  it('an idempotency key names one open or completed upload of its owner and route', async () => {
    const ledger = await testLedger.open();
    const keyed = (more: Partial<NewUpload> = {}) => makeUpload({ idempotencyKey: 'key-1', ...more });
    const first = keyed();
    // Duplicates in the same request and in others of the same transaction.
    const again = await Promise.all([ledger.grant([first, keyed()]), ledger.grant([keyed()]), ledger.grant([keyed()])]);
    const existing = { existing: first.uploadId };
    expect(again).toEqual([[null, existing], [existing], [existing]]);
    expect(await ledger.grant([keyed({ ownerId: 'bea' }), keyed({ route: 'others' })])).toEqual([null, null]);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 2, pendingBytes: 2000 });
    await ledger.abort(first.uploadId);
    const second = keyed();
    expect(await ledger.grant([second])).toEqual([null]);
    const fence = await takeLease(ledger, second.uploadId);
    await ledger.end(second.uploadId, fence, { state: 'completed', file: fileOf(second), data: null });
    expect(await ledger.grant([keyed()])).toEqual([{ existing: second.uploadId }]);
    await ledger.delete({ uploadId: second.uploadId });
    expect(await ledger.grant([keyed()])).toEqual([null]);
  });

  it('takeLease() gives the lease to one of fifty calls at once', async () => {
    const ledger = await testLedger.open();
    const { uploadId } = await addGranted(ledger);
    const results = await Promise.all(Array.from({ length: 50 }, () => ledger.takeLease(uploadId, 60_000)));
    expect(results.filter((leased) => leased && 'fence' in leased)).toHaveLength(1);
    for (const leased of results)
      if (leased && 'held' in leased) expect(leased.held.leaseLeftMs).toBeGreaterThan(50_000);
    expect(await ledger.takeLease('0'.repeat(32), 60_000)).toBeNull();
  });

  it('a process whose lease was taken over writes nothing', async () => {
    const ledger = await testLedger.open();
    const upload = await addGranted(ledger);
    const { uploadId } = upload;
    const stalled = await takeLease(ledger, uploadId, 0);
    const successor = await takeLease(ledger, uploadId);
    expect(successor).toBeGreaterThan(stalled);
    expect(await ledger.renewLease(uploadId, stalled, 60_000)).toBeNull();
    expect(await ledger.recordCallbackStart(uploadId, stalled, 60_000)).toBeNull();
    await ledger.releaseLease(uploadId, stalled);
    await ledger.recordCallbackFailure(uploadId, stalled, 'late', null);
    expect(await ledger.end(uploadId, stalled, { state: 'completed', file: fileOf(upload), data: 'stalled' })).toBe(
      false,
    );
    expect(await ledger.find(uploadId)).toMatchObject({ state: 'completing', fence: successor });
    expect(await ledger.end(uploadId, successor, { state: 'completed', file: fileOf(upload), data: 'successor' })).toBe(
      true,
    );
    expect(await ledger.find(uploadId)).toMatchObject({ data: 'successor' });
    expect(await ledger.usage('anna')).toMatchObject({ storedFiles: 1, pendingFiles: 0 });
  });

  it('releaseLease() after recordCallbackFailure() does not make the upload due earlier', async () => {
    const ledger = await testLedger.open();
    for (const retryInMs of [60_000, null]) {
      const { uploadId } = await addGranted(ledger);
      const fence = await takeLease(ledger, uploadId);
      await ledger.recordCallbackFailure(uploadId, fence, 'no', retryInMs);
      await ledger.releaseLease(uploadId, fence);
    }
    expect(await ledger.findDue(10)).toEqual([]);
  });

  it('recordCallbackStart() counts callbacks and interrupted callbacks', async () => {
    const ledger = await testLedger.open();
    const { uploadId } = await addGranted(ledger);
    const first = await takeLease(ledger, uploadId, 0);
    await ledger.recordCallbackStart(uploadId, first, 0);
    const second = await takeLease(ledger, uploadId);
    const called = (await ledger.recordCallbackStart(uploadId, second, 60_000)) as number;
    expect((await ledger.find(uploadId))?.callback).toMatchObject({ attempts: 2, interruptions: 1 });
    await ledger.recordCallbackFailure(uploadId, called, 'it threw', 3_600_000);
    expect((await ledger.find(uploadId))?.callback).toMatchObject({
      attempts: 2,
      interruptions: 1,
      lastError: 'it threw',
    });
    expect(await ledger.findDue(10)).toEqual([]);
    expect(await ledger.counts()).toMatchObject({ waitingCallbacks: 1, parkedCallbacks: 0, states: { completing: 1 } });
    expect(await ledger.unpark(uploadId)).toBe(true);
    expect((await ledger.findDue(10)).map((upload) => upload.uploadId)).toEqual([uploadId]);
    const third = await takeLease(ledger, uploadId);
    expect((await ledger.find(uploadId))?.callback.interruptions).toBe(1);
    await ledger.recordCallbackFailure(uploadId, third, 'again', null);
    expect(await ledger.findDue(10)).toEqual([]);
    expect(await ledger.counts()).toMatchObject({ waitingCallbacks: 0, parkedCallbacks: 1 });
    expect((await ledger.list({ parked: true })).uploads.map((upload) => upload.uploadId)).toEqual([uploadId]);
  });

  it('the ledger refuses every transition that is not in the table', async () => {
    const ledger = await testLedger.open();
    const states = Object.keys(stateTransitions) as UploadState[];
    let pairs = 0;
    for (const from of states)
      for (const to of states) {
        if (from === to) continue;
        const upload = await addInState(ledger, from);
        expect((await ledger.find(upload.uploadId))?.state).toBe(from);
        await changeState(ledger, upload, to);
        const state = (await ledger.find(upload.uploadId))?.state;
        expect([from, to, state]).toEqual([from, to, mayFollow(from, to) ? to : from]);
        pairs += 1;
      }
    expect(pairs).toBe(42);
    const usage = await ledger.usage('anna');
    const { uploads } = await ledger.list({ limit: 1000 });
    expect(usage).toMatchObject({
      storedFiles: uploads.filter(({ state }) => state === 'completed').length,
      pendingFiles: uploads.filter(({ isReserved }) => isReserved).length,
    });
  });

  it('expire() ends abandoned uploads but not renewed ones, and takeLease() can take an expired upload', async () => {
    const ledger = await testLedger.open();
    const abandoned = await addGranted(ledger, { expiresInMs: 0, abandonAfterMs: 0 });
    const later = await addGranted(ledger, { expiresInMs: 0, abandonAfterMs: 60_000 });
    expect((await ledger.findDue(10)).map((upload) => upload.uploadId).sort()).toEqual(
      [abandoned.uploadId, later.uploadId].sort(),
    );
    expect(await ledger.expire(later.uploadId)).toBe(false);
    await ledger.postponeSweep(later.uploadId, 60_000);
    expect(await ledger.expire(abandoned.uploadId)).toBe(true);
    expect(await ledger.findDue(10)).toEqual([]);
    expect(await ledger.freeReservation(abandoned.uploadId)).toBe(true);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1 });
    const fence = await takeLease(ledger, abandoned.uploadId);
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 2 });
    await ledger.end(abandoned.uploadId, fence, { state: 'completed', file: fileOf(abandoned), data: null });
    expect(await ledger.usage('anna')).toMatchObject({ pendingFiles: 1, storedFiles: 1 });
    const renewed = await addGranted(ledger, { expiresInMs: 0, abandonAfterMs: 0 });
    expect(await ledger.renewGrant(renewed.uploadId, 60_000)).toBe(true);
    expect(await ledger.expire(renewed.uploadId)).toBe(false);
    expect(await ledger.renewGrant(abandoned.uploadId, 60_000)).toBe(false);
    expect(await ledger.recordMultipart(renewed.uploadId, 'mp')).toBe(true);
    expect(await ledger.recordMultipart(abandoned.uploadId, 'mp')).toBe(false);
    expect((await ledger.find(renewed.uploadId))?.multipartId).toBe('mp');
  });

  it('findStored() finds uploads by SHA-256, and delete() reports the last of a shared object', async () => {
    const ledger = await testLedger.open();
    const upload = await addCompleted(ledger);
    const sha256 = upload.checksum?.value as string;
    const of = { ownerId: 'anna', route: 'files', sha256, size: 1000 };
    expect((await ledger.findStored(of))?.uploadId).toBe(upload.uploadId);
    for (const other of [{ ownerId: 'bea' }, { route: 'others' }, { size: 999 }, { sha256: 'x' }])
      expect(await ledger.findStored({ ...of, ...other })).toBeNull();
    const two = await addCompleted(ledger, { key: upload.key, transfer: 'none', checksum: upload.checksum });
    expect([...(await ledger.keysInUse([upload.key, 'unknown']))]).toEqual([upload.key]);
    const gone = await Promise.all([
      ledger.delete({ uploadId: upload.uploadId }),
      ledger.delete({ uploadId: two.uploadId }),
    ]);
    expect(gone.map((each) => each?.last).sort()).toEqual([false, true]);
    expect(await ledger.findStored(of)).toBeNull();
    expect((await ledger.keysInUse([upload.key])).size).toBe(0);
  });

  it('end() writes webhooks in its transaction, and takeWebhooks() gives each to one caller at a time', async () => {
    const ledger = await testLedger.open();
    const upload = await addGranted(ledger);
    const fence = await takeLease(ledger, upload.uploadId);
    const webhooks = [{ webhookId: `msg_${upload.uploadId}`, type: 'upload.completed', payload: '{"a":1}' }];
    const ending = { state: 'completed' as const, file: fileOf(upload), data: null, webhooks };
    expect(await ledger.end(upload.uploadId, fence + 1, ending)).toBe(false);
    expect(await ledger.takeWebhooks(10, 0)).toEqual([]);
    await ledger.end(upload.uploadId, fence, ending);
    const taken = (await Promise.all([1, 2, 3].map(() => ledger.takeWebhooks(10, 60_000)))).flat();
    expect(taken).toMatchObject([{ ...webhooks[0], uploadId: upload.uploadId, attempts: 1 }]);
    const { webhookId } = taken[0] as { webhookId: string };
    await ledger.recordWebhookFailure(webhookId, '503', 0);
    expect(await ledger.takeWebhooks(10, 60_000)).toMatchObject([{ attempts: 2, lastError: '503' }]);
    await ledger.recordWebhookFailure(webhookId, 'gone', null);
    expect(await ledger.counts()).toMatchObject({ pendingWebhooks: 0, parkedWebhooks: 1 });
    expect((await ledger.listWebhooks({ state: 'parked' })).webhooks).toHaveLength(1);
    expect(await ledger.replayWebhook(webhookId)).toBe(true);
    expect(await ledger.replayWebhook('msg_none')).toBe(false);
    expect(await ledger.takeWebhooks(10, 60_000)).toHaveLength(1);
    await ledger.recordWebhookDelivery(webhookId);
    expect((await ledger.listWebhooks({ state: 'delivered' })).webhooks).toMatchObject([{ webhookId, nextAt: null }]);
  });

  it('lock() has one holder until unlock() or the end of its time', async () => {
    const ledger = await testLedger.open();
    expect(await ledger.lock('sweep', 'a', 60_000)).toBe(true);
    expect(await ledger.lock('sweep', 'b', 60_000)).toBe(false);
    expect(await ledger.lock('sweep', 'a', 0)).toBe(true);
    expect(await ledger.lock('sweep', 'b', 60_000)).toBe(true);
    await ledger.unlock('sweep', 'a');
    expect(await ledger.lock('sweep', 'a', 60_000)).toBe(false);
    await ledger.unlock('sweep', 'b');
    expect(await ledger.lock('sweep', 'a', 60_000)).toBe(true);
  });

  it('list() returns pages without gaps or duplicates', async () => {
    const ledger = await testLedger.open();
    const all = await ledger.grant(
      Array.from({ length: 25 }, (_, n) => makeUpload({ ownerId: n % 2 ? 'anna' : 'bea' })),
    );
    expect(all).toHaveLength(25);
    const listed: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await ledger.list({ limit: 7, ...(after === undefined ? {} : { after }) });
      listed.push(...page.uploads.map(({ uploadId }) => uploadId));
      if (page.next === null) break;
      after = page.next;
    }
    expect(listed).toHaveLength(25);
    expect(new Set(listed).size).toBe(25);
    expect((await ledger.list({ ownerId: 'anna' })).uploads).toHaveLength(12);
    expect((await ledger.list({ states: ['completed'] })).uploads).toEqual([]);
    const owners = await ledger.usageByOwner({ limit: 1 });
    expect(owners.owners).toHaveLength(1);
    const rest = await ledger.usageByOwner({ limit: 5, after: owners.next as string });
    expect([...owners.owners, ...rest.owners].map(({ ownerId }) => ownerId).sort()).toEqual(['anna', 'bea']);
  });

  it('lastSweep() returns the last sweep, and forget() deletes records that ended long ago', async () => {
    const ledger = await testLedger.open();
    expect(await ledger.lastSweep()).toBeNull();
    const orphans = [{ key: 'k', kind: 'object' as const, size: 1, multipartId: null, since: '2026', removed: false }];
    for (const startedAt of [1, 2]) await ledger.recordSweep({ startedAt, endedAt: 3, report: { startedAt }, orphans });
    expect(await ledger.lastSweep()).toEqual({ startedAt: 2, endedAt: 3, report: { startedAt: 2 }, orphans });
    const aborted = await addGranted(ledger);
    await ledger.abort(aborted.uploadId);
    expect(await ledger.forget(-1000, 10)).toBe(0);
    await ledger.freeReservation(aborted.uploadId);
    const kept = await addCompleted(ledger);
    expect(await ledger.forget(60_000, 10)).toBe(0);
    expect(await ledger.forget(-1000, 10)).toBe(1);
    expect(await ledger.find(aborted.uploadId)).toBeNull();
    expect(await ledger.find(kept.uploadId)).not.toBeNull();
  });

  it('a ledger can be opened again by two processes at once', async () => {
    const ledger = await testLedger.open();
    const upload = await addGranted(ledger);
    const others = await Promise.all([testLedger.reopen(), testLedger.reopen()]);
    for (const other of others) expect(await other.find(upload.uploadId)).toMatchObject({ state: 'granted' });
  });

  it('opening a ledger with the schema of a newer version fails', async () => {
    const ledger = await testLedger.open();
    await ledger.ping();
    await testLedger.execute('insert into waybill_migrations (version, migrated_at) values (99, 0)');
    await expect(testLedger.reopen()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('newer'),
    });
  });
});

async function addInState(ledger: Ledger, state: UploadState): Promise<NewUpload> {
  const upload = await addGranted(ledger, { expiresInMs: 0, abandonAfterMs: 0 });
  const { uploadId } = upload;
  if (state === 'expired') await ledger.expire(uploadId);
  if (state === 'aborted') await ledger.abort(uploadId);
  // The lease ends at once, because some transitions need an expired lease.
  if (!['granted', 'expired', 'aborted'].includes(state)) await takeLease(ledger, uploadId, 0);
  if (['completed', 'deleted', 'rejected'].includes(state))
    await changeState(ledger, upload, state === 'deleted' ? 'completed' : state);
  if (state === 'deleted') await ledger.delete({ uploadId });
  return upload;
}

/** Tries a transition with the calls that the server uses for it. */
async function changeState(ledger: Ledger, upload: NewUpload, to: UploadState): Promise<void> {
  const { uploadId } = upload;
  const record = await ledger.find(uploadId);
  const fence = record?.fence ?? 0;
  const error = { code: 'upload_rejected' as const, message: 'no', retryable: false };
  if (to === 'completing') await ledger.takeLease(uploadId, 60_000);
  else if (to === 'completed') await ledger.end(uploadId, fence, { state: to, file: fileOf(upload), data: null });
  else if (to === 'rejected') await ledger.end(uploadId, fence, { state: to, error });
  else if (to === 'deleted') await ledger.delete({ uploadId });
  else if (to === 'aborted') (await ledger.abort(uploadId)) || (await ledger.end(uploadId, fence, { state: to }));
  else if (to === 'expired') (await ledger.expire(uploadId)) || (await ledger.end(uploadId, fence, { state: to }));
}
