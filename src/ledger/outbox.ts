/** The outbox of webhooks, the reports of sweeps, and named locks. */
import { sql } from 'kysely';
import type { Ledger, Orphan } from '../server/index.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import { type Database, evaluateOnce, stateLiteral } from './database.ts';
import { rowToWebhook, storableReason } from './rows.ts';

export type OutboxMethods = Pick<
  Ledger,
  | 'takeWebhooks'
  | 'webhookDelivered'
  | 'webhookFailed'
  | 'listWebhooks'
  | 'replayWebhook'
  | 'recordSweep'
  | 'lastSweep'
  | 'lock'
  | 'unlock'
>;

const maxSweeps = 50;
const maxPageSize = 1000;

export function createOutbox(database: Database): OutboxMethods {
  const { kysely, now } = database;
  const later = (ms: number) => sql<number>`${now()} + ${sql.lit(Math.round(ms))}`;

  return {
    async takeWebhooks(limit, forMs) {
      const taken = await kysely
        .updateTable('waybill_webhooks')
        .set({ next_at: later(forMs), attempts: sql<number>`attempts + 1` })
        .where('webhook_id', 'in', (eb) => {
          const due = eb
            .selectFrom('waybill_webhooks')
            .select('webhook_id')
            .where('next_at', '<=', evaluateOnce(now()))
            .orderBy('next_at')
            .limit(limit);
          return database.skipLocked ? due.forUpdate().skipLocked() : due;
        })
        .returningAll()
        .execute();
      return taken.map(rowToWebhook).sort((a, b) => a.createdAt - b.createdAt);
    },

    async webhookDelivered(webhookId) {
      await kysely
        .updateTable('waybill_webhooks')
        .set({ next_at: null, parked_at: null, last_error: null, delivered_at: now() })
        .where('webhook_id', '=', webhookId)
        .execute();
      // The webhooks of a deleted upload are deleted with it, except those that were still to be delivered.
      await kysely
        .deleteFrom('waybill_webhooks')
        .where('webhook_id', '=', webhookId)
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom('waybill_uploads')
              .select('upload_id')
              .whereRef('waybill_uploads.upload_id', '=', 'waybill_webhooks.upload_id')
              .where('state', '=', stateLiteral('deleted')),
          ),
        )
        .execute();
    },

    async webhookFailed(webhookId, reason, retryInMs) {
      await kysely
        .updateTable('waybill_webhooks')
        .set({
          last_error: storableReason(reason),
          next_at: retryInMs === null ? null : later(retryInMs),
          parked_at: retryInMs === null ? now() : null,
        })
        .where('webhook_id', '=', webhookId)
        // A sender that took longer than its time must not overwrite the result of another one.
        .where('next_at', 'is not', null)
        .execute();
    },

    async listWebhooks({ state, after, limit = 50 } = {}) {
      const pageSize = Math.min(limit, maxPageSize);
      let query = kysely
        .selectFrom('waybill_webhooks')
        .selectAll()
        .orderBy('created_at', 'desc')
        .orderBy('webhook_id', 'desc')
        .limit(pageSize);
      if (state === 'pending') query = query.where('next_at', 'is not', null);
      // Not `delivered_at`: a webhook that was replayed after its delivery may be parked.
      if (state === 'delivered') query = query.where('next_at', 'is', null).where('parked_at', 'is', null);
      if (state === 'parked') query = query.where('parked_at', 'is not', null);
      const from = parseCursor(after);
      if (from)
        query = query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('created_at', 'webhook_id'), '<', tuple(from.position, from.id)),
        );
      const found = await query.execute();
      const last = found.at(-1);
      return {
        webhooks: found.map(rowToWebhook),
        next:
          found.length === pageSize && last ? formatCursor({ position: last.created_at, id: last.webhook_id }) : null,
      };
    },

    async replayWebhook(webhookId) {
      const { numUpdatedRows } = await kysely
        .updateTable('waybill_webhooks')
        .set({ next_at: now(), parked_at: null, attempts: 0 })
        .where('webhook_id', '=', webhookId)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
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
