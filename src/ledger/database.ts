/** The database as the queries see it, and the expressions in which the databases differ. */
import { type ExpressionBuilder, type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Ledger, UploadState } from '../server/index.ts';
import type { Tables } from './schema.ts';

export interface Database {
  readonly kind: Ledger['kind'];
  readonly kysely: Kysely<Tables>;
  /** The database's clock in milliseconds since the epoch, evaluated when the statement runs. */
  readonly now: () => RawBuilder<number>;
  /** How many transactions that record grants may run at the same time. SQLite has one writer. */
  readonly parallelGroups: number;
  /** Takes the lock of this name, which is released when the transaction ends. */
  takeLock(trx: Transaction<Tables>, name: string): Promise<void>;
  /** Whether a query can skip the rows that another transaction has locked. SQLite has no row locks. */
  readonly skipLocked: boolean;
  close(): Promise<void>;
}

const clocks: Record<Database['kind'], RawBuilder<number>> = {
  // https://sqlite.org/lang_datefunc.html: `subsec` gives milliseconds.
  sqlite: sql<number>`cast(round(unixepoch('subsec') * 1000) as integer)`,
  // `now()` would be the start of the transaction.
  postgres: sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
  // The start of the statement. Unlike `sysdate()`, the optimizer takes it for a constant.
  mysql: sql<number>`timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000`,
};

/** Selects uploads whose file is the object at their key: completed ones, and open ones that share a stored object. */
export function needsObject({ and, eb, or }: ExpressionBuilder<Tables, 'waybill_uploads'>) {
  return or([
    eb('state', '=', stateLiteral('completed')),
    and([
      eb('transfer', '=', sql.lit('none')),
      eb('state', 'in', [stateLiteral('granted'), stateLiteral('completing')]),
    ]),
  ]);
}

/** A state as a literal, not a parameter: the planner uses a partial index only where it sees the value. */
export function stateLiteral(state: UploadState): RawBuilder<UploadState> {
  return sql.lit(state);
}

/**
 * An expression that is evaluated once per statement. Postgres does not use an index to compare with the volatile
 * `clock_timestamp()`, so that the sweep would read every row that will ever be due.
 */
export function evaluateOnce(moment: RawBuilder<number>): RawBuilder<number> {
  return sql<number>`(select ${moment})`;
}

/** @param now the clock of a test, which replaces the database's */
export function clockFor(kind: Database['kind'], now: (() => number) | undefined): Database['now'] {
  if (!now) return () => clocks[kind];
  return () => sql<number>`${sql.lit(Math.round(now()))}`;
}
