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

async function forgetUploads({ kysely, now }: Database, endedBeforeMs: number, limit: number): Promise<number> {
  return kysely.transaction().execute(async (trx) => {
    const forgotten = await trx
      .deleteFrom('waybill_uploads')
      .where('upload_id', 'in', (eb) =>
        eb
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
          .orderBy('ended_at')
          .limit(limit),
      )
      .returning('upload_id')
      .execute();
    const uploadIds = forgotten.map(({ upload_id }) => upload_id);
    for (let from = 0; from < uploadIds.length; from += maxIds)
      await trx
        .deleteFrom('waybill_webhooks')
        .where('upload_id', 'in', uploadIds.slice(from, from + maxIds))
        .execute();
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
  await kysely
    .deleteFrom('waybill_sweeps')
    .where('started_at', 'not in', (eb) =>
      eb.selectFrom('waybill_sweeps').select('started_at').orderBy('started_at', 'desc').limit(maxSweeps),
    )
    .execute();
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
  const held = await kysely
    .insertInto('waybill_locks')
    .values({ name, holder, until })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holder, until })
        .where(({ eb, or }) => or([eb('waybill_locks.until', '<=', now()), eb('waybill_locks.holder', '=', holder)])),
    )
    .returning('holder')
    .executeTakeFirst();
  return held !== undefined;
}

async function releaseNamedLock({ kysely }: Database, name: string, holder: string): Promise<void> {
  await kysely.deleteFrom('waybill_locks').where('name', '=', name).where('holder', '=', holder).execute();
}
