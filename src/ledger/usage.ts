/** What owners have: one row over all their routes (route ''), and one for each. */
import { sql, type Transaction } from 'kysely';
import type { OwnerUsage, Usage } from '../server/index.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import type { Database } from './database.ts';
import { usageOf } from './rows.ts';
import type { Tables, UsageTable } from './schema.ts';

export const allRoutes = '';

export type UsageChange = Omit<UsageTable, 'owner_id' | 'route'>;

const columns = ['stored_bytes', 'stored_files', 'pending_bytes', 'pending_files'] as const;

/**
 * Adds to many rows at once, always in one order: two transactions that want the same rows wait for each other, and never
 * both.
 *
 * @returns what the rows are then
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
            columns.map((name) => [name, sql`waybill_usage.${sql.ref(name)} + excluded.${sql.ref(name)}`]),
          ),
        ),
    )
    .returningAll()
    .execute();
  await removeEmpty(trx, totals);
  return totals;
}

/** An owner who has nothing leaves no row behind: on some routes every request is a new owner. */
async function removeEmpty(trx: Transaction<Tables>, totals: readonly UsageTable[]): Promise<void> {
  const empty = totals.filter((row) => columns.every((name) => row[name] === 0));
  if (empty.length === 0) return;
  // Their rows are this transaction's until it ends, so that nothing was added meanwhile.
  await trx
    .deleteFrom('waybill_usage')
    .where(({ eb, or, and }) =>
      or(empty.map(({ owner_id, route }) => and([eb('owner_id', '=', owner_id), eb('route', '=', route)]))),
    )
    .execute();
}

/** Adds to both rows of one upload's owner. @returns what they are then */
export async function settle(
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

export async function usageOfOwner({ kysely }: Database, ownerId: string): Promise<OwnerUsage> {
  const rows = await kysely.selectFrom('waybill_usage').selectAll().where('owner_id', '=', ownerId).execute();
  return together(ownerId, rows);
}

function together(ownerId: string, rows: UsageTable[]): OwnerUsage {
  const usage: OwnerUsage = { ownerId, ...none, routes: {} };
  for (const row of rows) {
    if (row.route === allRoutes) Object.assign(usage, usageOf(row));
    else usage.routes[row.route] = usageOf(row);
  }
  return usage;
}

const mostOwners = 1000;

/** The largest first. `after` is the `next` of the page before. */
export async function usageByOwner(
  { kysely }: Database,
  { after, limit = 50 }: { after?: string; limit?: number } = {},
): Promise<{ owners: OwnerUsage[]; next: string | null }> {
  const most = Math.min(limit, mostOwners);
  let query = kysely
    .selectFrom('waybill_usage')
    .selectAll()
    .where('route', '=', sql.lit(allRoutes))
    .orderBy('stored_bytes', 'desc')
    .orderBy('owner_id', 'desc')
    .limit(most);
  const from = parseCursor(after);
  if (from)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('stored_bytes', 'owner_id'), '<', tuple(from.position, from.id)),
    );
  const totals = await query.execute();
  if (totals.length === 0) return { owners: [], next: null };
  const owners = totals.map((row) => row.owner_id);
  const routes = await kysely.selectFrom('waybill_usage').selectAll().where('owner_id', 'in', owners).execute();
  const last = totals.at(-1) as UsageTable;
  return {
    owners: totals.map((total) =>
      together(total.owner_id, [total, ...routes.filter((row) => row.owner_id === total.owner_id && row.route !== '')]),
    ),
    next: totals.length === most ? formatCursor({ position: last.stored_bytes, id: last.owner_id }) : null,
  };
}
