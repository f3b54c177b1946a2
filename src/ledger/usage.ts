/** The usage of owners: one row over all routes (route ''), and one for each route. */
import { sql, type Transaction } from 'kysely';
import type { OwnerUsage, Usage } from '../server/index.ts';
import { formatCursor, isAfterCursor, parseCursor } from './cursor.ts';
import type { Database } from './database.ts';
import { rowToUsage } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';

export const allRoutes = '';

export type UsageChange = Omit<UsageTable, 'owner_id' | 'route'>;

const columns = ['stored_bytes', 'stored_files', 'pending_bytes', 'pending_files'] as const;

/**
 * Adds to many rows in one statement, in a fixed order, so that two transactions cannot deadlock.
 *
 * @returns the rows after the change
 */
export async function addUsage(trx: Transaction<Tables>, rows: UsageTable[]): Promise<UsageTable[]> {
  const ordered = [...rows].sort((a, b) => compare(a.owner_id, b.owner_id) || compare(a.route, b.route));
  const totals = await trx
    .insertInto('waybill_usage')
    .values(ordered)
    .onConflict((conflict) =>
      conflict
        .columns(['owner_id', 'route'])
        .doUpdateSet(
          Object.fromEntries(
            columns.map((name) => [name, sql`${sql.ref(`waybill_usage.${name}`)} + ${sql.ref(`excluded.${name}`)}`]),
          ),
        ),
    )
    .returningAll()
    .execute();
  await removeEmpty(trx, totals);
  return totals;
}

/** Deletes rows that are all zero: on anonymous routes every request can be a new owner, and rows would accumulate. */
async function removeEmpty(trx: Transaction<Tables>, totals: readonly UsageTable[]): Promise<void> {
  const empty = totals.filter((row) => columns.every((name) => row[name] === 0));
  if (empty.length === 0) return;
  // This transaction has locked these rows, so that nothing can have been added to them.
  await trx
    .deleteFrom('waybill_usage')
    .where(({ eb, or, and }) =>
      or(empty.map(({ owner_id, route }) => and([eb('owner_id', '=', owner_id), eb('route', '=', route)]))),
    )
    .execute();
}

/** Adds to the two rows that one upload counts in. @returns the rows after the change */
export async function adjustUsage(
  trx: Transaction<Tables>,
  { owner_id, route }: { owner_id: string; route: string },
  change: Partial<UsageChange>,
): Promise<UsageTable[]> {
  const full = { stored_bytes: 0, stored_files: 0, pending_bytes: 0, pending_files: 0, ...change };
  return addUsage(trx, [
    { owner_id, route: allRoutes, ...full },
    { owner_id, route, ...full },
  ]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const none: Usage = { storedBytes: 0, storedFiles: 0, pendingBytes: 0, pendingFiles: 0 };

export async function findOwnerUsage({ kysely }: Database, ownerId: string): Promise<OwnerUsage> {
  const rows = await kysely.selectFrom('waybill_usage').selectAll().where('owner_id', '=', ownerId).execute();
  return toOwnerUsage(ownerId, rows);
}

function toOwnerUsage(ownerId: string, rows: UsageTable[]): OwnerUsage {
  const usage: OwnerUsage = { ownerId, ...none, routes: {} };
  for (const row of rows) {
    if (row.route === allRoutes) Object.assign(usage, rowToUsage(row));
    else usage.routes[row.route] = rowToUsage(row);
  }
  return usage;
}

const maxOwners = 1000;

/** Owners with the most stored bytes first. `after` is the `next` of the previous page. */
export async function listOwnerUsage(
  { kysely }: Database,
  { after, limit = 50 }: { after?: string; limit?: number } = {},
): Promise<{ owners: OwnerUsage[]; next: string | null }> {
  const pageSize = Math.min(limit, maxOwners);
  let query = kysely
    .selectFrom('waybill_usage')
    .selectAll()
    .where('route', '=', sql.lit(allRoutes))
    .orderBy('stored_bytes', 'desc')
    .orderBy('owner_id', 'desc')
    .limit(pageSize);
  const from = parseCursor(after);
  if (from) query = query.where(isAfterCursor(['stored_bytes', 'owner_id'], from));
  const totals = await query.execute();
  if (totals.length === 0) return { owners: [], next: null };
  const owners = totals.map((row) => row.owner_id);
  const routes = await kysely.selectFrom('waybill_usage').selectAll().where('owner_id', 'in', owners).execute();
  const last = totals.at(-1) as UsageTable;
  return {
    owners: totals.map((total) =>
      toOwnerUsage(total.owner_id, [
        total,
        ...routes.filter((row) => row.owner_id === total.owner_id && row.route !== ''),
      ]),
    ),
    next: totals.length === pageSize ? formatCursor({ position: last.stored_bytes, id: last.owner_id }) : null,
  };
}
