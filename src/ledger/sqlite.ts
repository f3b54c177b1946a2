/** The ledger in one file, for one machine. */
import { Kysely, type LogEvent, SqliteDialect } from 'kysely';
import Libsql from 'libsql';
import { WaybillError } from '../protocol/index.ts';
import type { Ledger } from '../server/index.ts';
import { createLedger } from './create-ledger.ts';
import { clockOf, type Database } from './database.ts';
import { migrateAndClose, type SchemaVersions } from './migrations.ts';
import { checkOptions, sqliteOptions } from './options.ts';
import type { Tables } from './schema.ts';

export interface SqliteLedgerOptions {
  /** Made when missing. `:memory:` forgets everything. */
  file: string;
  /** Bring the schema up to date at start. @default true */
  migrate?: boolean;
  /** A test's clock, in milliseconds since the epoch. @default SQLite's */
  now?: () => number;
  /** Every statement, for tests and tracing. */
  onQuery?: (event: LogEvent) => void;
}

/** Another process, such as `waybill sweep`, may hold the file for a moment. */
const busyTimeoutMs = 5000;

/**
 * @example
 * createUploads({ ledger: await sqliteLedger({ file: 'uploads.db' }), ... })
 * @throws {WaybillError} `config_invalid` when the file cannot be used, or is of a newer Waybill
 */
export async function sqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  return createLedger(openDatabase(options), options.migrate ?? true);
}

/** @returns the versions that were there, are there, and could be */
export function migrateSqlite(options: SqliteLedgerOptions & { check?: boolean }): Promise<SchemaVersions> {
  const { check = false, ...rest } = options;
  return migrateAndClose(openDatabase(rest), check);
}

function openDatabase(options: SqliteLedgerOptions): Database {
  checkOptions('sqliteLedger()', options, sqliteOptions);
  const { file, now, onQuery } = options;
  let libsql: Libsql.Database;
  try {
    libsql = new Libsql(file, { timeout: busyTimeoutMs });
    // https://sqlite.org/wal.html: readers and the writer do not wait for each other. FULL: what was acknowledged is on
    // the disk, and a group of grants is one sync. Back to the file every 40 MB: pages that one group after another
    // changes are written there once.
    for (const pragma of [
      'journal_mode = wal',
      'synchronous = full',
      'cache_size = -65536',
      'temp_store = memory',
      'wal_autocheckpoint = 10000',
    ])
      libsql.pragma(pragma);
  } catch (cause) {
    throw new WaybillError('config_invalid', `The ledger's file cannot be used: ${file}`, { cause });
  }
  const prepared = new Map<string, Libsql.Statement>();
  const kysely = new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: {
        prepare(sql) {
          // A transaction that began by reading could not write after another's write; this one has its turn at once.
          const text = sql === 'begin' ? 'begin immediate' : sql;
          let statement = prepared.get(text);
          if (!statement) {
            statement = libsql.prepare(text);
            // Groups of every size are statements of their own.
            if (prepared.size >= mostPrepared) prepared.delete(prepared.keys().next().value as string);
            prepared.set(text, statement);
          }
          return statement as never;
        },
        close() {
          prepared.clear();
          libsql.close();
        },
      },
    }),
    ...(onQuery ? { log: onQuery } : {}),
  });
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

const mostPrepared = 500;
