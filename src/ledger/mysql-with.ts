/** The ledger in MySQL and MariaDB over a given driver, so that only `mysql.ts` makes a bundler resolve `mysql2`. */
import { Kysely, type LogEvent, type TransactionBuilder } from 'kysely';
import type mysql from 'mysql2/promise';
import { checkOptions, isMatchingText, type OptionTable, wholeNumberRule } from '../protocol/internal.ts';
import type { Ledger } from '../server/index.ts';
import { createLedger } from './create-ledger.ts';
import { clockFor, type Database } from './database.ts';
import { migrateAndClose, type SchemaVersions } from './migrations.ts';
import { mysqlDialect, retryConflicts, takeNamedLock } from './mysql-dialect.ts';
import { commonOptions, maxTimeoutMs } from './options.ts';
import type { Tables } from './schema.ts';

/**
 * The module `mysql2/promise`. Internal, so that no declaration for consumers refers to the types of `mysql2`.
 * @internal
 */
export type MysqlDriver = Pick<typeof mysql, 'createPool'>;

export interface MysqlLedgerOptions {
  /**
   * The database: MySQL 8.0.17 or newer, or MariaDB 10.6 or newer. Options of `mysql2`, such as `ssl`, may follow as
   * its query. @example 'mysql://user:password@host/database'
   */
  connectionString: string;
  /** The most connections that this process opens. @default 10 @example 4 */
  maxConnections?: number;
  /**
   * The longest wait for a connection and for each answer, in milliseconds. A statement waits for the lock of a row for
   * a third of this time, and is run three times at most. @default 15_000 @example 5_000
   */
  timeoutMs?: number;
  /** Whether to migrate the schema at start. @default true @example false */
  migrate?: boolean;
  /** A clock for tests, in milliseconds since the epoch. @default the database's */
  now?: () => number;
  /**
   * Called for every statement, for tests and tracing. @default none @example (event) => console.log(event.query.sql)
   */
  onQuery?: (event: LogEvent) => void;
}

const mysqlOptions: OptionTable<MysqlLedgerOptions & { check?: boolean }> = {
  ...commonOptions,
  connectionString: {
    expected: 'a URL such as mysql://user:password@host/database',
    isValid: isMatchingText(/^(mysql|mariadb):\/\//),
    required: true,
  },
  maxConnections: wholeNumberRule(1, 10_000),
  timeoutMs: wholeNumberRule(1, maxTimeoutMs),
};

/**
 * @throws {WaybillError} `config_invalid` when the schema is newer than this version of Waybill
 * @internal
 */
export async function openMysqlLedger(driver: MysqlDriver, options: MysqlLedgerOptions): Promise<Ledger> {
  return createLedger(openDatabase(driver, options), options.migrate ?? true);
}

/**
 * @returns the version of the schema before and after, and the newest one that this version of Waybill knows
 * @internal
 */
export function migrateMysqlWith(
  driver: MysqlDriver,
  options: MysqlLedgerOptions & { check?: boolean },
): Promise<SchemaVersions> {
  const { check = false, ...rest } = options;
  return migrateAndClose(openDatabase(driver, rest), check);
}

/** Repeats a transaction that the database has rolled back because of another one. */
class RetryingKysely extends Kysely<Tables> {
  override transaction(): TransactionBuilder<Tables> {
    const builder = super.transaction();
    const execute = builder.execute.bind(builder);
    builder.execute = (work) => retryConflicts(() => execute(work));
    return builder;
  }
}

/**
 * The most prepared statements that a connection keeps. Inserts of different numbers of rows are different statements.
 */
const maxPreparedStatements = 200;

function openDatabase(driver: MysqlDriver, options: MysqlLedgerOptions): Database {
  checkOptions('mysqlLedger()', options, mysqlOptions);
  const { connectionString, maxConnections = 10, timeoutMs = 15_000, now, onQuery } = options;
  const pool = driver.createPool({
    uri: connectionString.replace(/^mariadb:/, 'mysql:'),
    connectionLimit: maxConnections,
    connectTimeout: timeoutMs,
    // Sums are decimals, which `mysql2` would return as text. No sum of the ledger exceeds 2^53.
    decimalNumbers: true,
    maxPreparedStatements,
  });
  const kysely = new RetryingKysely({
    dialect: mysqlDialect({ pool, timeoutMs }),
    ...(onQuery ? { log: onQuery } : {}),
  });
  return {
    kind: 'mysql',
    kysely,
    now: clockFor('mysql', now),
    parallelGroups: Math.max(1, Math.floor(maxConnections / 3)),
    async takeLock(trx, name) {
      const { rows } = await takeNamedLock(name, Math.ceil(timeoutMs / 1000)).execute(trx);
      if (rows[0]?.taken !== 1) throw new Error('Another process has kept a lock of the ledger for too long.');
    },
    skipLocked: true,
    close: () => kysely.destroy(),
  };
}
