/** What the sweep reads and records, and the named locks that let one replica do a job. */
import { sql } from 'kysely';
import type { Ledger, Orphan, SweepRecord, UploadRecord } from '../server/index.ts';
import { type Database, evaluateOnce, stateLiteral } from './database.ts';
import { maxIds } from './lists.ts';
import { rowToRecord } from './rows.ts';
import { later, selectUploads } from './upload-changes.ts';

export type SweepMethods = Pick<Ledger, 'findDue' | 'forget' | 'recordSweep' | 'lastSweep' | 'lock' | 'unlock'>;

const maxSweeps = 50;

export function createSweeps(database: Database): SweepMethods {
  return {
    findDue: (limit) => findDueUploads(database, limit),
    forget: (endedBeforeMs, limit) => forgetUploads(database, endedBeforeMs, limit),
    recordSweep: (sweep) => recordSweep(database, sweep),
    lastSweep: () => findLastSweep(database),
    lock: (name, holder, forMs) => takeNamedLock(database, name, holder, forMs),
    unlock: (name, holder) => releaseNamedLock(database, name, holder),
  };
}

async function findDueUploads(database: Database, limit: number): Promise<UploadRecord[]> {
  const found = await selectUploads(database)
    .where('sweep_at', '<=', evaluateOnce(database.now()))
    .orderBy('sweep_at')
    .limit(limit)
    .execute();
  return found.map(rowToRecord);
}

async function forgetUploads(database: Database, endedBeforeMs: number, limit: number): Promise<number> {
  const { kysely, now } = database;
  return kysely.transaction().execute(async (trx) => {
    const query = trx
      .selectFrom('waybill_uploads')
      .select('upload_id')
      .where('state', 'in', [
        stateLiteral('rejected'),
        stateLiteral('expired'),
        stateLiteral('aborted'),
        stateLiteral('deleted'),
      ])
      .where('reserved', '=', 0)
      .where('ended_at', '<', sql<number>`${evaluateOnce(now())} - ${sql.lit(Math.round(endedBeforeMs))}`)
      .limit(limit);
    // The index of MySQL begins with the state. In another order, each call would read all that may be deleted.
    const ordered = (database.kind === 'mysql' ? query.orderBy('state') : query).orderBy('ended_at');
    // An expired upload may be claimed meanwhile. Its row is locked, so that only one of the two happens.
    const found = await (database.skipLocked ? ordered.forUpdate().skipLocked() : ordered).execute();
    const uploadIds = found.map(({ upload_id }) => upload_id);
    for (let from = 0; from < uploadIds.length; from += maxIds) {
      const some = uploadIds.slice(from, from + maxIds);
      await trx.deleteFrom('waybill_uploads').where('upload_id', 'in', some).execute();
      await trx.deleteFrom('waybill_webhooks').where('upload_id', 'in', some).execute();
    }
    return uploadIds.length;
  });
}

async function recordSweep({ kysely }: Database, { startedAt, endedAt, report, orphans }: SweepRecord): Promise<void> {
  const row = { ended_at: endedAt, report: JSON.stringify(report ?? null), orphans: JSON.stringify(orphans) };
  await kysely
    .insertInto('waybill_sweeps')
    .values({ started_at: startedAt, ...row })
    .onConflict((conflict) => conflict.column('started_at').doUpdateSet(row))
    .execute();
  const newestToDelete = await kysely
    .selectFrom('waybill_sweeps')
    .select('started_at')
    .orderBy('started_at', 'desc')
    .limit(1)
    .offset(maxSweeps)
    .executeTakeFirst();
  if (newestToDelete)
    await kysely.deleteFrom('waybill_sweeps').where('started_at', '<=', newestToDelete.started_at).execute();
}

async function findLastSweep({ kysely }: Database): Promise<SweepRecord | null> {
  const row = await kysely
    .selectFrom('waybill_sweeps')
    .selectAll()
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;
  return {
    startedAt: row.started_at,
    endedAt: row.ended_at,
    report: JSON.parse(row.report),
    orphans: JSON.parse(row.orphans) as Orphan[],
  };
}

async function takeNamedLock(database: Database, name: string, holder: string, forMs: number): Promise<boolean> {
  const { kysely, now } = database;
  const until = later(database, forMs);
  const { numUpdatedRows } = await kysely
    .updateTable('waybill_locks')
    .set({ holder, until })
    .where('name', '=', name)
    .where(({ eb, or }) => or([eb('until', '<=', now()), eb('holder', '=', holder)]))
    .executeTakeFirst();
  if (numUpdatedRows > 0n) return true;
  await kysely
    .insertInto('waybill_locks')
    .values({ name, holder, until })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const lock = await kysely.selectFrom('waybill_locks').select('holder').where('name', '=', name).executeTakeFirst();
  return lock?.holder === holder;
}

async function releaseNamedLock({ kysely }: Database, name: string, holder: string): Promise<void> {
  await kysely.deleteFrom('waybill_locks').where('name', '=', name).where('holder', '=', holder).execute();
}
