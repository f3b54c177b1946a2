/** The audit trail: who changed what and when. Each entry is written in the transaction of its change. */
import { sql, type Transaction } from 'kysely';
import type { AuditAction, AuditEntry, AuditFilter, AuditPage, Ledger } from '../server/index.ts';
import { formatCursor, requireCursor } from './cursor.ts';
import { type Database, evaluateOnce } from './database.ts';
import { maxIds } from './lists.ts';
import type { Tables } from './schema.ts';

export type AuditMethods = Pick<Ledger, 'audit' | 'forgetAudit'>;

export interface NewAuditEntry {
  action: AuditAction;
  upload_id: string | null;
  route: string | null;
  owner_id: string;
  actor: string | null;
  details?: Record<string, unknown>;
}

const maxPageSize = 1000;
/** UTF-16 code units. An actor is a name that the app chose. */
const maxActorLength = 200;

/** Writes entries. The caller passes the transaction of the change that they record. */
export async function writeAudit(
  { now }: Pick<Database, 'now'>,
  trx: Transaction<Tables>,
  entries: readonly NewAuditEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await trx
    .insertInto('waybill_audit')
    .values(
      entries.map(({ action, upload_id, route, owner_id, actor, details }) => ({
        at: now(),
        action,
        upload_id,
        route,
        owner_id,
        actor: actor === null ? null : actor.slice(0, maxActorLength),
        details: details === undefined ? null : JSON.stringify(details),
      })),
    )
    .execute();
}

export function createAudit(database: Database): AuditMethods {
  return {
    audit: (filter) => listAudit(database, filter),
    forgetAudit: (olderThanMs, limit) => forgetAudit(database, olderThanMs, limit),
  };
}

async function listAudit(
  { kysely }: Database,
  { ownerId, uploadId, after, limit = 50 }: AuditFilter,
): Promise<AuditPage> {
  const pageSize = Math.min(limit, maxPageSize);
  const from = requireCursor(after);
  let query = kysely.selectFrom('waybill_audit').selectAll().orderBy('entry_id', 'desc').limit(pageSize);
  if (ownerId !== undefined) query = query.where('owner_id', '=', ownerId);
  if (uploadId !== undefined) query = query.where('upload_id', '=', uploadId);
  if (from) query = query.where('entry_id', '<', from.position);
  const rows = await query.execute();
  const last = rows.at(-1);
  return {
    entries: rows.map(
      (row): AuditEntry => ({
        entryId: row.entry_id,
        at: row.at,
        action: row.action as AuditAction,
        uploadId: row.upload_id,
        route: row.route,
        ownerId: row.owner_id,
        actor: row.actor,
        details: row.details === null ? null : JSON.parse(row.details),
      }),
    ),
    next: last && rows.length === pageSize ? formatCursor({ position: last.entry_id, id: 'audit' }) : null,
  };
}

/** Reads only the oldest entries: their ids increase with time, so that no index on the time is needed. */
async function forgetAudit({ kysely, now }: Database, olderThanMs: number, limit: number): Promise<number> {
  const oldest = await kysely
    .selectFrom((eb) =>
      eb
        .selectFrom('waybill_audit')
        .select(['entry_id', 'at'])
        // This condition is always true. It makes the planner of each database use the primary key.
        .where('entry_id', '>', sql.lit(0))
        .orderBy('entry_id')
        .limit(limit)
        .as('oldest'),
    )
    .select('entry_id')
    .where('at', '<', sql<number>`${evaluateOnce(now())} - ${sql.lit(Math.round(olderThanMs))}`)
    .execute();
  return deleteEntries(kysely, oldest);
}

/** Deletes entries by their ids. For a condition that is a subquery, MySQL would read every entry. */
export async function deleteEntries(
  kysely: Database['kysely'],
  entries: readonly { entry_id: number }[],
): Promise<number> {
  let deleted = 0;
  for (let from = 0; from < entries.length; from += maxIds) {
    const ids = entries.slice(from, from + maxIds).map(({ entry_id }) => entry_id);
    const { numDeletedRows } = await kysely.deleteFrom('waybill_audit').where('entry_id', 'in', ids).executeTakeFirst();
    deleted += Number(numDeletedRows);
  }
  return deleted;
}
