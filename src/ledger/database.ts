/** What the two databases have in common, and the few words in which they differ. */
import { type ExpressionBuilder, type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { UploadState } from '../server/index.ts';
import type { Tables } from './schema.ts';

export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  readonly kysely: Kysely<Tables>;
  /** The database's clock, in milliseconds; evaluated when the statement runs. */
  readonly now: () => RawBuilder<number>;
  /** Whose groups of grants may run at once. SQLite has one writer. */
  readonly parallelGroups: number;
  /** Held by one until its transaction ends. */
  exclusive(trx: Transaction<Tables>, name: string): Promise<void>;
  /** A row that nobody else is at, in Postgres; SQLite has one writer anyway. */
  readonly skipLocked: boolean;
  close(): Promise<void>;
}

const clocks: Record<Database['kind'], RawBuilder<number>> = {
  // https://sqlite.org/lang_datefunc.html: `subsec` gives milliseconds.
  sqlite: sql<number>`cast(round(unixepoch('subsec') * 1000) as integer)`,
  // Not now(): that is when the transaction began.
  postgres: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
};

/** An upload whose file is the object at its key: a stored one, or one on its way that shares it and sends nothing. */
export function needsObject({ and, eb, or }: ExpressionBuilder<Tables, 'waybill_uploads'>) {
  return or([
    eb('state', '=', is('completed')),
    and([eb('transfer', '=', sql.lit('none')), eb('state', 'in', [is('granted'), is('completing')])]),
  ]);
}

/** Spelled out, not bound: a planner sees that a partial index fits. */
export function is(state: UploadState): RawBuilder<UploadState> {
  return sql.lit(state);
}

/**
 * Asked once, not for every row: Postgres uses an index only for what stays as it is, and `clock_timestamp()` does not. Without
 * it the sweep would read all that is due some day to find what is due now.
 */
export function once(moment: RawBuilder<number>): RawBuilder<number> {
  return sql<number>`(select ${moment})`;
}

/** @param now a clock of a test's own */
export function clockOf(kind: Database['kind'], now: (() => number) | undefined): Database['now'] {
  if (!now) return () => clocks[kind];
  return () => sql<number>`${sql.lit(Math.round(now()))}`;
}
