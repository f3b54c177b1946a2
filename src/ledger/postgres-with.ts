/** The ledger in Postgres over a given driver, so that only `postgres.ts` makes a bundler resolve `pg`. */
import { Kysely, type LogEvent, PostgresDialect, sql } from 'kysely';
import type pg from 'pg';
import { checkOptions, functionRule, type OptionTable, wholeNumberRule } from '../protocol/internal.ts';
import type { Ledger } from '../server/index.ts';
import { createLedger } from './create-ledger.ts';
import { clockFor, type Database } from './database.ts';
import { migrateAndClose, type SchemaVersions } from './migrations.ts';
import { commonOptions, maxTimeoutMs } from './options.ts';
import { connectionStringRule, openPool } from './pool.ts';
import type { Tables } from './schema.ts';

/**
 * The module `pg`. Internal, so that no declaration for consumers refers to the types of `pg`.
 * @internal
 */
export type PostgresDriver = typeof pg;

export interface PostgresLedgerOptions {
  /** The database. @example 'postgres://user:password@host/database' */
  connectionString: string;
  /** The most connections that this process opens. @default 10 @example 4 */
  maxConnections?: number;
  /** The longest wait for a connection and for each answer, in milliseconds. @default 15_000 @example 5_000 */
  timeoutMs?: number;
  /** Whether to migrate the schema at start. @default true @example false */
  migrate?: boolean;
  /** A clock for tests, in milliseconds since the epoch. @default Postgres's */
  now?: () => number;
  /**
   * Called for every statement, for tests and tracing. @default none @example (event) => console.log(event.query.sql)
   */
  onQuery?: (event: LogEvent) => void;
  /**
   * Called when an idle connection has broken. The next call opens a new one. @default ignored @example console.error
   */
  onError?: (error: Error) => void;
}

const postgresOptions: OptionTable<PostgresLedgerOptions & { check?: boolean }> = {
  ...commonOptions,
  connectionString: connectionStringRule,
  maxConnections: wholeNumberRule(1, 10_000),
  timeoutMs: wholeNumberRule(1, maxTimeoutMs),
  onError: functionRule,
};

/**
 * @throws {WaybillError} `config_invalid` when the schema is newer than this version of Waybill
 * @internal
 */
export async function openPostgresLedger(driver: PostgresDriver, options: PostgresLedgerOptions): Promise<Ledger> {
  return createLedger(openDatabase(driver, options), options.migrate ?? true);
}

/**
 * @returns the version of the schema before and after, and the newest one that this version of Waybill knows
 * @internal
 */
export function migratePostgresWith(
  driver: PostgresDriver,
  options: PostgresLedgerOptions & { check?: boolean },
): Promise<SchemaVersions> {
  const { check = false, ...rest } = options;
  return migrateAndClose(openDatabase(driver, rest), check);
}

/** Parses sums and 64-bit integers as numbers, which `pg` returns as text. None of ours exceeds 2^53. */
function createNumberTypes({ types }: PostgresDriver) {
  const asNumber: ReadonlySet<number> = new Set([types.builtins.INT8, types.builtins.NUMERIC]);
  return {
    getTypeParser: (id: number, format?: 'text' | 'binary') =>
      asNumber.has(id) ? Number : (types.getTypeParser(id, format as 'text') as (value: string) => unknown),
  };
}

function openDatabase(driver: PostgresDriver, options: PostgresLedgerOptions): Database {
  checkOptions('postgresLedger()', options, postgresOptions);
  const { connectionString, maxConnections = 10, timeoutMs = 15_000, now, onQuery, onError } = options;
  const settings: pg.PoolConfig = {
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    application_name: 'waybill',
    types: createNumberTypes(driver) as never,
  };
  const pool = openPool(driver, settings, onError);
  const kysely = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    ...(onQuery ? { log: onQuery } : {}),
  });
  return {
    kind: 'postgres',
    kysely,
    now: clockFor('postgres', now),
    parallelGroups: Math.max(1, Math.floor(maxConnections / 3)),
    async takeLock(trx, name) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx);
    },
    skipLocked: true,
    close: () => kysely.destroy(),
  };
}
