/** The lease on an upload that is being completed: which process holds it, and how its callback ended. */
import { sql, type Transaction } from 'kysely';
import type { Ledger } from '../server/index.ts';
import type { NewUpload, QuotaRefusal } from '../server/internal.ts';
import { type Database, stateLiteral } from './database.ts';
import { findBrokenQuota } from './quota.ts';
import { rowToRecord, storableReason, type UploadRow } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';
import { createUploadChanges } from './upload-changes.ts';
import { adjustUsage, allRoutes } from './usage.ts';

export type LeaseMethods = Pick<Ledger, 'claim' | 'retake' | 'calling' | 'release' | 'failed' | 'unpark'>;

/** The number of interruptions when a callback begins: an earlier callback that has not ended was interrupted. */
const interruptions = sql<number>`callback_interruptions + case when callback_began is null then 0 else 1 end`;

export function createLeases(database: Database): LeaseMethods {
  const { kysely, now } = database;
  const { later, update, updateLeased, leaseValues, selectUpload } = createUploadChanges(database);

  async function returnFence(query: ReturnType<typeof updateLeased>): Promise<number | null> {
    const found = await query.returning('fence').executeTakeFirst();
    return found?.fence ?? null;
  }

  /**
   * Gives out the lease on an expired upload whose bytes arrived late. If its reservation has been freed, the quota is
   * reserved again.
   */
  async function leaseExpiredUpload(
    uploadId: string,
    leaseMs: number,
  ): Promise<{ row: UploadRow; refusal: QuotaRefusal | null } | undefined> {
    return kysely.transaction().execute(async (trx) => {
      const row = await update(uploadId, { ...leaseValues(leaseMs), ended_at: null }, trx)
        .where('state', '=', 'expired')
        .returningAll()
        .returning(now().as('clock'))
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
    const quotas: NewUpload['quotas'] =
      upload.quotas === null ? { owner: null, route: null } : JSON.parse(upload.quotas);
    const before = { owner: totalBefore(allRoutes), route: totalBefore(route) };
    const refusal = findBrokenQuota(quotas, before, { reservedBytes: reserved_bytes });
    if (refusal) await adjustUsage(trx, upload, { pending_bytes: -reserved_bytes, pending_files: -1 });
    else await update(upload_id, { reserved: 1 }, trx).execute();
    return refusal;
  }

  return {
    async claim(uploadId, leaseMs) {
      const leased = await update(uploadId, leaseValues(leaseMs))
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
      const existing = await selectUpload(uploadId);
      if (!existing) return null;
      if (existing.state !== 'expired') return { held: rowToRecord(existing) };
      const late = await leaseExpiredUpload(uploadId, leaseMs);
      if (late) {
        const lease = { fence: late.row.fence, record: rowToRecord(late.row) };
        return late.refusal ? { ...lease, refusal: late.refusal } : lease;
      }
      // Another process changed the upload between the two statements.
      const changed = await selectUpload(uploadId);
      return changed ? { held: rowToRecord(changed) } : null;
    },

    retake: (uploadId, fence, leaseMs) => returnFence(updateLeased(uploadId, fence, leaseValues(leaseMs))),

    calling: (uploadId, fence, leaseMs) =>
      returnFence(
        updateLeased(uploadId, fence, {
          ...leaseValues(leaseMs),
          callback_attempts: sql<number>`callback_attempts + 1`,
          callback_interruptions: interruptions,
          callback_began: now(),
        }),
      ),

    async release(uploadId, fence) {
      // `failed` has released the lease already and scheduled the next attempt, which this must not replace.
      await updateLeased(uploadId, fence, { lease_until: 0, sweep_at: now() }).where('lease_until', '>', 0).execute();
    },

    async failed(uploadId, fence, reason, retryInMs) {
      const retry_at = retryInMs === null ? null : later(retryInMs);
      await updateLeased(uploadId, fence, {
        lease_until: 0,
        callback_began: null,
        callback_error: storableReason(reason),
        retry_at,
        parked_at: retryInMs === null ? now() : null,
        sweep_at: retry_at,
      }).execute();
    },

    async unpark(uploadId) {
      const { numUpdatedRows } = await update(uploadId, { retry_at: now(), sweep_at: now(), parked_at: null })
        .where('state', '=', 'completing')
        .where(({ eb, or }) => or([eb('parked_at', 'is not', null), eb('retry_at', 'is not', null)]))
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}
