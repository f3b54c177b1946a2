/** The ledger in Postgres over a given driver, so that only `postgres.ts` makes a bundler look for `pg`. */
import { Kysely, type LogEvent, PostgresDialect, sql } from 'kysely';
import type pg from 'pg';
import type { Ledger } from '../server/index.ts';
import { createLedger } from './create-ledger.ts';
import { clockOf, type Database } from './database.ts';
import { migrateAndClose, type SchemaVersions } from './migrations.ts';
import { checkOptions, postgresOptions } from './options.ts';
import { openPool } from './pool.ts';
import type { Tables } from './schema.ts';

/**
 * What `pg` exports. Internal, so that the types of `pg` are in no declaration that a consumer reads.
 * @internal
 */
export type PostgresDriver = typeof pg;

export interface PostgresLedgerOptions {
  /** The database. @example 'postgres://user:password@host/database' */
  connectionString: string;
  /** The most connections that this process opens. @default 10 @example 4 */
  maxConnections?: number;
  /** How long to wait for a connection or an answer, in milliseconds. @default 15_000 @example 5_000 */
  timeoutMs?: number;
  /** Bring the schema up to date at start. @default true @example false */
  migrate?: boolean;
  /** A clock for tests, in milliseconds since the epoch. @default Postgres's */
  now?: () => number;
  /**
   * Called for every statement, for tests and tracing. @default none @example (event) => console.log(event.query.sql)
   */
  onQuery?: (event: LogEvent) => void;
  /**
   * Called when a connection in the pool broke. The next call opens another. @default ignored @example console.error
   */
  onError?: (error: Error) => void;
}

/**
 * @throws {WaybillError} `config_invalid` when the schema is of a newer Waybill
 * @internal
 */
export async function openPostgresLedger(driver: PostgresDriver, options: PostgresLedgerOptions): Promise<Ledger> {
  return createLedger(openDatabase(driver, options), options.migrate ?? true);
}

/**
 * @returns the versions that were there, are there, and could be
 * @internal
 */
export function migratePostgresWith(
  driver: PostgresDriver,
  options: PostgresLedgerOptions & { check?: boolean },
): Promise<SchemaVersions> {
  const { check = false, ...rest } = options;
  return migrateAndClose(openDatabase(driver, rest), check);
}

/** Sums and 64-bit integers come as text otherwise. None of ours is beyond 2^53. */
function numbersOf({ types }: PostgresDriver) {
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
    types: numbersOf(driver) as never,
  };
  const pool = openPool(driver, settings, onError);
  const kysely = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    ...(onQuery ? { log: onQuery } : {}),
  });
  return {
    kind: 'postgres',
    kysely,
    now: clockOf('postgres', now),
    parallelGroups: Math.max(1, Math.floor(maxConnections / 3)),
    async exclusive(trx, name) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx);
    },
    skipLocked: true,
    close: () => kysely.destroy(),
  };
}
