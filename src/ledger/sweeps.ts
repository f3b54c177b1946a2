/** What the sweep reads and records, and the named locks that let one replica do a job. */
import { sql } from 'kysely';
import type { Ledger, Orphan } from '../server/index.ts';
import { type Database, evaluateOnce, stateLiteral } from './database.ts';
import { maxIds } from './lists.ts';
import { rowToRecord } from './rows.ts';
import { createUploadChanges } from './upload-changes.ts';

export type SweepMethods = Pick<Ledger, 'due' | 'forget' | 'recordSweep' | 'lastSweep' | 'lock' | 'unlock'>;

const maxSweeps = 50;

export function createSweeps(database: Database): SweepMethods {
  const { kysely, now } = database;
  const { later } = createUploadChanges(database);

  return {
    async due(limit) {
      const found = await kysely
        .selectFrom('waybill_uploads')
        .selectAll()
        .select(now().as('clock'))
        .where('sweep_at', '<=', evaluateOnce(now()))
        .orderBy('sweep_at')
        .limit(limit)
        .execute();
      return found.map(rowToRecord);
    },

    async forget(endedBeforeMs, limit) {
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
    },

    async recordSweep({ startedAt, endedAt, report, orphans }) {
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
    },

    async lastSweep() {
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
    },

    async lock(name, holder, forMs) {
      const held = await kysely
        .insertInto('waybill_locks')
        .values({ name, holder, until: later(forMs) })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ holder, until: later(forMs) })
            .where(({ eb, or }) =>
              or([eb('waybill_locks.until', '<=', now()), eb('waybill_locks.holder', '=', holder)]),
            ),
        )
        .returning('holder')
        .executeTakeFirst();
      return held !== undefined;
    },

    async unlock(name, holder) {
      await kysely.deleteFrom('waybill_locks').where('name', '=', name).where('holder', '=', holder).execute();
    },
  };
}
