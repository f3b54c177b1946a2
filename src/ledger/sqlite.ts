/** The ledger in one file, for one machine. */
import { closeSync, openSync } from 'node:fs';
import { Kysely, type LogEvent } from 'kysely';
import { WaybillError } from '../protocol/index.ts';
import type { Ledger } from '../server/index.ts';
import { createLedger } from './create-ledger.ts';
import { clockOf, type Database } from './database.ts';
import { migrateAndClose, type SchemaVersions } from './migrations.ts';
import { checkOptions, sqliteOptions } from './options.ts';
import type { Tables } from './schema.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { startSqliteThread } from './sqlite-thread.ts';

export interface SqliteLedgerOptions {
  /**
   * The database file. It is made when missing. `:memory:` keeps everything in memory, for tests. @example
   * '/var/lib/app/uploads.db'
   */
  file: string;
  /**
   * How long a call waits while another process, such as `waybill sweep`, holds the file, in milliseconds. After that
   * it is `ledger_unavailable`, which clients try again. The event loop goes on meanwhile. @default 5_000 @example
   * 10_000
   */
  busyTimeoutMs?: number;
  /** Bring the schema up to date at start. @default true @example false */
  migrate?: boolean;
  /** A clock for tests, in milliseconds since the epoch. @default SQLite's */
  now?: () => number;
  /**
   * Called for every statement, for tests and tracing. @default none @example (event) => console.log(event.query.sql)
   */
  onQuery?: (event: LogEvent) => void;
}

const defaultBusyTimeoutMs = 5000;

/**
 * The database runs in a thread of its own: no call blocks the event loop.
 *
 * @example
 * createUploads({ ledger: await sqliteLedger({ file: 'uploads.db' }), ... })
 * @throws {WaybillError} `config_invalid` when the file cannot be used, or is of a newer Waybill
 */
export async function sqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  return createLedger(await openDatabase(options), options.migrate ?? true);
}

/** @returns the versions that were there, are there, and could be */
export async function migrateSqlite(options: SqliteLedgerOptions & { check?: boolean }): Promise<SchemaVersions> {
  const { check = false, ...rest } = options;
  return migrateAndClose(await openDatabase(rest), check);
}

/**
 * https://sqlite.org/wal.html: readers and the writer do not wait for each other. FULL: what was acknowledged is on the disk,
 * and a group of grants is one sync. Back to the file every 40 MB: pages that one group after another changes are written
 * there once.
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
    throw new WaybillError('config_invalid', `The ledger's file cannot be used: ${file}`, { cause });
  });
  const kysely = new Kysely<Tables>({ dialect: sqliteDialect(thread), ...(onQuery ? { log: onQuery } : {}) });
  return {
    kind: 'sqlite',
    kysely,
    now: clockOf('sqlite', now),
    parallelGroups: 1,
    // `begin immediate` has been granted: nobody else writes.
    exclusive: async () => {},
    skipLocked: false,
    close: () => kysely.destroy(),
  };
}

/**
 * Names, owners and metadata of all users are in the file, and those of its log and its index, which SQLite gives the same
 * permissions. A file that is there keeps its own.
 */
function createForOwnerOnly(file: string): void {
  if (file === ':memory:' || file === '' || file.startsWith('file:')) return;
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch {
    // It exists, or SQLite says in a moment why it cannot be made.
  }
}
