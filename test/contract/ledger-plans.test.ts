/**
 * Every statement of the ledger searches an index. The test records the statements and reads their query plans with a
 * million uploads in the database: none may read a whole table.
 */
import { expect, it } from 'vitest';
import type { Ledger } from '../../src/server/index.ts';
import type { NewUpload } from '../../src/server/internal.ts';
import { isLedgerSelected } from '../support/ledger-kinds.ts';
import { forEachLedger, type TestLedger } from '../support/ledgers.ts';
import { addUploads, idOf, largestOwner, ownerOf } from '../support/many-uploads.ts';
import { hasPlan, mysqlPlans, type Plan, postgresPlans, type Statement, sqlitePlans } from '../support/query-plans.ts';
import { isFullSize } from '../support/test-size.ts';

// MariaDB builds its indexes slowly.
const count = isFullSize ? 1_000_000 : isLedgerSelected('sqlite') ? 200_000 : 50_000;

/** Statements that may read an index in order: pages read as many entries as they return, and counts cover few rows. */
const wholeIndexes: Readonly<Record<string, RegExp>> = {
  'owners, the largest first':
    /from "waybill_usage" where "route" = '' order by "stored_bytes" desc, "owner_id" desc limit/,
  'parked callbacks':
    /from "waybill_uploads" where "parked_at" is not null( order by "created_at" desc, "upload_id" desc limit|$)/,
  'messages that wait or are parked':
    /from "waybill_webhooks" where "(next|parked)_at" is not null( order by "created_at" desc, "webhook_id" desc limit|$)/,
  'messages that were delivered, or all messages':
    /from "waybill_webhooks"( where "next_at" is null and "parked_at" is null)? order by "created_at" desc, "webhook_id" desc limit/,
  'the number of files: one entry for each owner':
    /^select sum\("stored_files"\) as "n" from "waybill_usage" where "route" = ''$/,
};

/** Counts read the index of the rows that are counted. */
const counts = /^select (count|sum)\(/;

/** Limit for one statement, in pages of 8 kB. A million uploads take more than 50,000 pages. */
const maxPages = 250;
/** Limit for one statement, in rows and index entries. */
const maxRows = 3000;

forEachLedger('ledger with a million uploads', (testLedger) => {
  it('every statement finds its rows by an index', { timeout: 600_000 }, async () => {
    const statements: Statement[] = [];
    const onQuery = ({ query: { sql, parameters } }: { query: Statement }) => statements.push({ sql, parameters });
    const ledger = await testLedger.open({ onQuery });
    const { name: kind, execute, query } = testLedger;
    await addUploads({ kind, count, execute, query, oneLargeOwner: true });
    statements.length = 0;
    await callEveryMethod(ledger);
    const distinct = [...new Map(statements.filter(hasPlan).map((statement) => [statement.sql, statement])).values()];
    const plans = await explain(testLedger, distinct);
    expect(plans.length).toBeGreaterThan(50);
    expect(plans.filter(isBad)).toEqual([]);
    // Every exception above is still needed.
    for (const [name, pattern] of Object.entries(wholeIndexes))
      expect(
        plans.some(({ sql }) => pattern.test(sql)),
        name,
      ).toBe(true);
    // Proves that the uploads were in the database.
    expect((await ledger.counts()).states.completed).toBeGreaterThan(count / 2);
  });

  it('isBad() detects a statement that reads the whole table', async () => {
    await testLedger.open();
    const sql = "select * from waybill_uploads where file_name = 'a'";
    const [plan] = await explain(testLedger, [{ sql, parameters: [] }]);
    expect(plan && isBad(plan)).toBe(true);
  });
});

async function explain({ name, url }: TestLedger, statements: readonly Statement[]): Promise<Plan[]> {
  if (name === 'sqlite') return sqlitePlans(url().replace('sqlite:', ''), statements);
  return name === 'postgres' ? postgresPlans(url(), statements) : mysqlPlans(url(), statements);
}

/** Tables that have few rows, regardless of the number of uploads. */
const smallTables = /waybill_(locks|sweeps|migrations)/;

function isBad({ sql, steps, scans, pages, rows }: Plan): boolean {
  const large = scans.filter((step) => !smallTables.test(step));
  const allowed = Object.values(wholeIndexes).some((pattern) => pattern.test(sql));
  if (large.some((step) => !(allowed && step.includes('INDEX')))) return true;
  // Sorting reads all matching rows. That is allowed only for the uploads with one key, which are few.
  if (steps.includes('USE TEMP B-TREE FOR ORDER BY') && !sql.includes('"key" = ?')) return true;
  if (counts.test(sql)) return false;
  return (pages ?? 0) > maxPages || (rows ?? 0) > maxRows;
}

function upload(n: number, more: Partial<NewUpload> = {}): NewUpload {
  const uploadId = idOf(count + n);
  return {
    uploadId,
    route: 'files',
    ownerId: ownerOf(n),
    key: `files/${ownerOf(n)}/${uploadId}.bin`,
    fileName: 'photo.bin',
    contentType: 'image/jpeg',
    size: 1000,
    partSize: null,
    transfer: 'put',
    checksum: { algorithm: 'sha256', value: uploadId },
    metadata: null,
    reservedBytes: 1000,
    expiresInMs: 0,
    abandonAfterMs: 0,
    quotas: { owner: { maxBytes: 2 ** 40 }, route: { maxFiles: 1 } },
    ...more,
  };
}

async function callCallbackMethods(ledger: Ledger): Promise<void> {
  const [due] = await ledger.findDueEndCallbacks(100);
  const { uploadId = '', fence = -1 } = (due && (await ledger.takeEndCallback(due.uploadId, 0))) ?? {};
  expect(await ledger.keepEndCallback(uploadId, fence, 0)).toBe(true);
  await ledger.recordEndCallbackFailure(uploadId, fence, 'no', null);
  expect(await ledger.unpark(uploadId)).toBe(true);
  await ledger.recordEndCallbackReturn(uploadId, fence);
}

/** Calls every method so that every statement runs. */
async function callEveryMethod(ledger: Ledger): Promise<void> {
  const none = { owner: null, route: null };
  const [one, two, three] = [0, 1, 2].map((n) => upload(n, { quotas: none })) as [NewUpload, NewUpload, NewUpload];
  const refused = upload(3);
  await ledger.grant([one, two, three, refused]);
  await ledger.recordMultipart(one.uploadId, 'mp');
  await ledger.renewGrant(two.uploadId, 0);
  await ledger.find(one.uploadId);
  await ledger.findMany([one.uploadId, two.uploadId, idOf(5)]);
  await ledger.findStored({ ownerId: ownerOf(7), route: 'files', sha256: idOf(7), size: 1007 });
  await ledger.keysInUse([one.key, two.key, 'unknown']);
  await ledger.findDue(100);
  await ledger.postponeSweep(two.uploadId, 0);
  await ledger.expire(two.uploadId);
  const leased = await ledger.takeLease(one.uploadId, 60_000);
  await ledger.takeLease(one.uploadId, 60_000);
  await ledger.takeLease(two.uploadId, 60_000);
  let fence = leased && 'fence' in leased ? leased.fence : -1;
  fence = (await ledger.renewLease(one.uploadId, fence, 60_000)) ?? -1;
  fence = (await ledger.recordCallbackStart(one.uploadId, fence, 60_000)) ?? -1;
  await ledger.recordCallbackFailure(one.uploadId, fence, 'no', null);
  await ledger.unpark(one.uploadId);
  await ledger.releaseLease(one.uploadId, fence);
  const again = await ledger.takeLease(one.uploadId, 60_000);
  fence = again && 'fence' in again ? again.fence : -1;
  const { uploadId, route, key, fileName, contentType, checksum } = one;
  const file = {
    uploadId,
    route,
    key,
    fileName,
    contentType,
    checksum,
    size: 1000,
    etag: '"e"',
    url: '/f',
    storedAt: '',
  };
  const webhooks = [{ webhookId: 'msg_one', type: 'upload.completed', payload: '{}' }];
  expect(await ledger.end(uploadId, fence, { state: 'completed', file, data: null, webhooks })).toBe(true);
  expect(await ledger.abort(three.uploadId)).toBe(true);
  const callback = { name: 'onDelete', reason: 'server', actor: null } as const;
  const deletedWebhooks = [{ webhookId: 'msg_two', type: 'file.deleted', payload: '{}' }];
  const effects = { webhooks: deletedWebhooks, callback };
  expect(await ledger.delete({ key }, () => effects)).toMatchObject({ last: true });
  await callCallbackMethods(ledger);
  await ledger.delete({ uploadId: idOf(0) });
  await ledger.usage(ownerOf(1));
  const owners = await ledger.usageByOwner({ limit: 20 });
  await ledger.usageByOwner({ limit: 20, after: owners.next as string });
  for (const filter of [
    {},
    { states: ['completing' as const] },
    { states: ['granted' as const, 'completing' as const] },
    { ownerId: largestOwner },
    { ownerId: largestOwner, states: ['completed' as const] },
    { route: 'files' },
    { parked: true },
    { states: ['granted' as const], createdBefore: 1_700_000_100_000 },
  ]) {
    const { next } = await ledger.list({ ...filter, limit: 20 });
    if (next !== null) await ledger.list({ ...filter, limit: 20, after: next });
  }
  await manageFiles(ledger, two.uploadId);
  await ledger.takeWebhooks(10, 0);
  await ledger.recordWebhookFailure('msg_one', 'no', 0);
  await ledger.recordWebhookDelivery('msg_one');
  await ledger.replayWebhook('msg_one');
  for (const state of ['pending', 'delivered', 'parked'] as const) {
    const { next } = await ledger.listWebhooks({ state, limit: 20 });
    if (next !== null) await ledger.listWebhooks({ state, limit: 20, after: next });
  }
  await ledger.listWebhooks();
  await ledger.lock('sweep', 'a', 0);
  await ledger.unlock('sweep', 'a');
  await ledger.recordSweep({ startedAt: 1, endedAt: 2, report: {}, orphans: [] });
  await ledger.lastSweep();
  await ledger.counts();
  await ledger.ping();
  await ledger.forget(60_000, 10);
}

/** Calls the methods with which an app manages files. `ended` is an upload that has ended. */
async function manageFiles(ledger: Ledger, ended: string): Promise<void> {
  const ownerId = largestOwner;
  for (const filter of [{ ownerId }, { ownerId, route: 'files' }]) {
    const { next } = await ledger.listFiles({ ...filter, limit: 1 });
    await ledger.listFiles({ ...filter, limit: 1, after: next as string });
  }
  const [one, two] = (await ledger.listFiles({ ownerId, limit: 2 })).uploads;
  if (!one || !two) throw new Error('This owner has no files.');
  for (const { uploadId, fileName: from } of [one, two])
    expect(await ledger.rename({ file: { uploadId, fileName: 'new' } as never, from, actor: null })).toBe(true);
  const { next } = await ledger.audit({ ownerId, limit: 1 });
  await ledger.audit({ ownerId, limit: 1, after: next as string });
  await ledger.audit({ uploadId: one.uploadId });
  await ledger.forgetAudit(60_000, 10);
  await ledger.eraseUploads(ownerOf(2), [ended]);
  await ledger.eraseOwner(ownerId, null);
  await ledger.eraseOwner('no-such-owner', null);
}
