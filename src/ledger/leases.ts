/** The lease on an upload that is being completed: which process holds it, and how its callback ended. */
import { sql, type Transaction } from 'kysely';
import type { Ledger } from '../server/index.ts';
import type { LeaseResult, NewUpload, QuotaRefusal } from '../server/internal.ts';
import { type Database, stateLiteral } from './database.ts';
import { findBrokenQuota } from './quota.ts';
import { rowToRecord, storableReason, type UploadRow } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';
import {
  interruptions,
  later,
  leaseValues,
  selectUpload,
  type UploadChange,
  updateLeased,
  updateUpload,
} from './upload-changes.ts';
import { adjustUsage, allRoutes } from './usage.ts';

export type LeaseMethods = Pick<
  Ledger,
  'takeLease' | 'renewLease' | 'recordCallbackStart' | 'releaseLease' | 'recordCallbackFailure' | 'unpark'
>;

export function createLeases(database: Database): LeaseMethods {
  const { kysely } = database;
  return {
    takeLease: (uploadId, leaseMs) => takeLease(database, uploadId, leaseMs),
    renewLease: (uploadId, fence, leaseMs) =>
      returnFence(updateLeased(kysely, uploadId, fence, leaseValues(database, leaseMs))),
    recordCallbackStart: (uploadId, fence, leaseMs) => recordCallbackStart(database, uploadId, fence, leaseMs),
    releaseLease: (uploadId, fence) => releaseLease(database, uploadId, fence),
    recordCallbackFailure: (uploadId, fence, reason, retryInMs) =>
      recordCallbackFailure(database, uploadId, fence, reason, retryInMs),
    unpark: (uploadId) => retryCallbackNow(database, uploadId),
  };
}

async function takeLease(database: Database, uploadId: string, leaseMs: number): Promise<LeaseResult> {
  const { kysely, now } = database;
  const leased = await updateUpload(kysely, uploadId, leaseValues(database, leaseMs))
    .where(({ and, eb, or }) =>
      or([
        eb('state', '=', stateLiteral('granted')),
        and([eb('state', '=', stateLiteral('completing')), eb('lease_until', '<=', now())]),
      ]),
    )
    .returningAll()
    .returning(now().as('clock'))
    .executeTakeFirst();
  if (leased) return { fence: leased.fence, record: rowToRecord(leased) };
  const existing = await selectUpload(database, uploadId);
  if (!existing) return null;
  if (existing.state !== 'expired') return { held: rowToRecord(existing) };
  const late = await leaseExpiredUpload(database, uploadId, leaseMs);
  if (late) {
    const lease = { fence: late.row.fence, record: rowToRecord(late.row) };
    return late.refusal ? { ...lease, refusal: late.refusal } : lease;
  }
  // Another process changed the upload between the two statements.
  const changed = await selectUpload(database, uploadId);
  return changed ? { held: rowToRecord(changed) } : null;
}

/**
 * Gives out the lease on an expired upload whose bytes arrived late. If its reservation has been freed, the quota is
 * reserved again.
 */
async function leaseExpiredUpload(
  database: Database,
  uploadId: string,
  leaseMs: number,
): Promise<{ row: UploadRow; refusal: QuotaRefusal | null } | undefined> {
  return database.kysely.transaction().execute(async (trx) => {
    const row = await updateUpload(trx, uploadId, { ...leaseValues(database, leaseMs), ended_at: null })
      .where('state', '=', 'expired')
      .returningAll()
      .returning(database.now().as('clock'))
      .executeTakeFirst();
    if (!row) return undefined;
    return { row, refusal: row.reserved === 1 ? null : await reserveAgain(trx, row) };
  });
}

/** Applies the quotas that held when the upload was granted. */
async function reserveAgain(trx: Transaction<Tables>, upload: UploadRow): Promise<QuotaRefusal | null> {
  const { upload_id, route, reserved_bytes } = upload;
  const totals = await adjustUsage(trx, upload, { pending_bytes: reserved_bytes, pending_files: 1 });
  const totalBefore = (name: string): UsageTable => {
    const total = totals.find((row) => row.route === name) as UsageTable;
    return {
      ...total,
      pending_bytes: total.pending_bytes - reserved_bytes,
      pending_files: total.pending_files - 1,
    };
  };
  const quotas: NewUpload['quotas'] = upload.quotas === null ? { owner: null, route: null } : JSON.parse(upload.quotas);
  const before = { owner: totalBefore(allRoutes), route: totalBefore(route) };
  const refusal = findBrokenQuota(quotas, before, { reservedBytes: reserved_bytes });
  if (refusal) await adjustUsage(trx, upload, { pending_bytes: -reserved_bytes, pending_files: -1 });
  else await updateUpload(trx, upload_id, { reserved: 1 }).execute();
  return refusal;
}

async function recordCallbackStart(
  database: Database,
  uploadId: string,
  fence: number,
  leaseMs: number,
): Promise<number | null> {
  return returnFence(
    updateLeased(database.kysely, uploadId, fence, {
      ...leaseValues(database, leaseMs),
      callback_attempts: sql<number>`callback_attempts + 1`,
      callback_interruptions: interruptions,
      callback_began: database.now(),
    }),
  );
}

async function returnFence(query: ReturnType<typeof updateLeased>): Promise<number | null> {
  const found = await query.returning('fence').executeTakeFirst();
  return found?.fence ?? null;
}

async function releaseLease({ kysely, now }: Database, uploadId: string, fence: number): Promise<void> {
  // A failed callback has released the lease already and scheduled the next attempt, which this must not replace.
  await updateLeased(kysely, uploadId, fence, { lease_until: 0, sweep_at: now() })
    .where('lease_until', '>', 0)
    .execute();
}

async function recordCallbackFailure(
  database: Database,
  uploadId: string,
  fence: number,
  reason: string,
  retryInMs: number | null,
): Promise<void> {
  const retry_at = retryInMs === null ? null : later(database, retryInMs);
  await updateLeased(database.kysely, uploadId, fence, {
    lease_until: 0,
    callback_began: null,
    callback_error: storableReason(reason),
    retry_at,
    parked_at: retryInMs === null ? database.now() : null,
    sweep_at: retry_at,
  }).execute();
}

async function retryCallbackNow({ kysely, now }: Database, uploadId: string): Promise<boolean> {
  const makeDue = (more: UploadChange) =>
    updateUpload(kysely, uploadId, { ...more, retry_at: now(), parked_at: null }).where(({ eb, or }) =>
      or([eb('parked_at', 'is not', null), eb('retry_at', 'is not', null)]),
    );
  const completing = await makeDue({ sweep_at: now() }).where('state', '=', 'completing').executeTakeFirst();
  if (completing.numUpdatedRows > 0n) return true;
  const ended = await makeDue({}).where('pending_callback', 'is not', null).executeTakeFirst();
  return ended.numUpdatedRows > 0n;
}
