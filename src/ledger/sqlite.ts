/** The ledger in an SQLite file, for one machine. */
import { closeSync, openSync } from 'node:fs';
import { Kysely, type LogEvent } from 'kysely';
import { WaybillError } from '../protocol/index.ts';
import { checkOptions, isMatchingText, type OptionTable, wholeNumberRule } from '../protocol/internal.ts';
import type { Ledger } from '../server/index.ts';
import { createLedger } from './create-ledger.ts';
import { clockFor, type Database } from './database.ts';
import { migrateAndClose, type SchemaVersions } from './migrations.ts';
import { commonOptions, maxTimeoutMs } from './options.ts';
import type { Tables } from './schema.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { startSqliteThread } from './sqlite-thread.ts';

export interface SqliteLedgerOptions {
  /**
   * The database file, which is created when it does not exist. `:memory:` keeps everything in memory, for tests.
   * @example '/var/lib/app/uploads.db'
   */
  file: string;
  /**
   * How long a call waits while another process, such as `waybill sweep`, has locked the file, in milliseconds. It then
   * fails with `ledger_unavailable`, which clients try again. The event loop is not blocked. @default 5_000
   * @example 10_000
   */
  busyTimeoutMs?: number;
  /** Whether to migrate the schema at start. @default true @example false */
  migrate?: boolean;
  /** A clock for tests, in milliseconds since the epoch. @default SQLite's */
  now?: () => number;
  /**
   * Called for every statement, for tests and tracing. @default none @example (event) => console.log(event.query.sql)
   */
  onQuery?: (event: LogEvent) => void;
}

const sqliteOptions: OptionTable<SqliteLedgerOptions & { check?: boolean }> = {
  ...commonOptions,
  file: { expected: 'the name of a file', isValid: isMatchingText(/./s), required: true },
  busyTimeoutMs: wholeNumberRule(1, maxTimeoutMs),
};

const defaultBusyTimeoutMs = 5000;

/**
 * Opens a ledger in an SQLite file. The database runs in a worker thread, so that no call blocks the event loop.
 *
 * @example
 * createUploads({ ledger: await sqliteLedger({ file: 'uploads.db' }), ... })
 * @throws {WaybillError} `config_invalid` when the file cannot be used or its schema is newer than this version of
 * Waybill
 */
export async function sqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  return createLedger(await openDatabase(options), options.migrate ?? true);
}

/** @returns the version of the schema before and after, and the newest one that this version of Waybill knows */
export async function migrateSqlite(options: SqliteLedgerOptions & { check?: boolean }): Promise<SchemaVersions> {
  const { check = false, ...rest } = options;
  return migrateAndClose(await openDatabase(rest), check);
}

/**
 * WAL: readers and the writer do not block each other (https://sqlite.org/wal.html). `synchronous = full`: acknowledged
 * writes survive a power failure. A checkpoint every 40 MB (10,000 pages) writes a page that changes often only once.
 */
const pragmas = [
  'journal_mode = wal',
  'synchronous = full',
  'cache_size = -65536',
  'temp_store = memory',
  'wal_autocheckpoint = 10000',
];

async function openDatabase(options: SqliteLedgerOptions): Promise<Database> {
  checkOptions('sqliteLedger()', options, sqliteOptions);
  const { file, busyTimeoutMs = defaultBusyTimeoutMs, now, onQuery } = options;
  createForOwnerOnly(file);
  const thread = await startSqliteThread({ file, busyTimeoutMs, pragmas }).catch((cause) => {
    throw new WaybillError('config_invalid', `The ledger file cannot be used: ${file}`, { cause });
  });
  const kysely = new Kysely<Tables>({ dialect: sqliteDialect(thread), ...(onQuery ? { log: onQuery } : {}) });
  return {
    kind: 'sqlite',
    kysely,
    now: clockFor('sqlite', now),
    parallelGroups: 1,
    // A transaction starts with `begin immediate`, so there is no other writer.
    takeLock: async () => {},
    skipLocked: false,
    close: () => kysely.destroy(),
  };
}

/**
 * Creates the file readable by its owner only: it contains names and metadata of all users. SQLite gives the WAL and
 * its index the same permissions. An existing file keeps its permissions.
 */
function createForOwnerOnly(file: string): void {
  if (file === ':memory:' || file === '' || file.startsWith('file:')) return;
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch {
    // The file exists, or SQLite will report why it cannot be created.
  }
}
