/**
 * ledger: the durable record of uploads in SQLite or Postgres: states, leases with fences, quota, the outbox. It
 * implements the `Ledger` interface of `server`. Each database has its own subpath, which loads only its own driver.
 */
import { WaybillError } from '../protocol/index.ts';
import type { Ledger } from '../server/index.ts';
import type { PostgresDriver, PostgresLedgerOptions } from './postgres-with.ts';

export interface OpenLedgerOptions {
  /** Whether to migrate the schema at start. @default true @example false */
  migrate?: boolean;
}

/**
 * Opens the ledger that a URL names: `postgres://...` or `sqlite:path/to/file`.
 *
 * @throws {WaybillError} `config_invalid` for another URL, or when the schema is newer than this version of Waybill
 */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<Ledger> {
  const file = sqliteFileIn(url);
  if (file !== null) return (await import('./sqlite.ts')).sqliteLedger({ file, ...options });
  return (await loadPostgres()).openLedger({ connectionString: url, ...options });
}

/** @returns the version of the schema before and after, and the newest one that this version of Waybill knows */
export async function migrateLedger(
  url: string,
  options: { check?: boolean } = {},
): Promise<{ from: number; to: number; newest: number }> {
  const file = sqliteFileIn(url);
  if (file !== null) return (await import('./sqlite.ts')).migrateSqlite({ file, ...options });
  return (await loadPostgres()).migrate({ connectionString: url, ...options });
}

/** `pg` is an optional peer. Bundlers must not resolve it: they would fail where it is not installed. */
async function loadPostgres() {
  const { migratePostgresWith, openPostgresLedger } = await import('./postgres-with.ts');
  const peer = 'pg';
  const loaded = import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer);
  const { default: driver }: { default: PostgresDriver } = await loaded.catch((cause: unknown) => {
    throw new WaybillError(
      'config_invalid',
      'A ledger in Postgres needs the package `pg`. Install it: npm install pg',
      { cause },
    );
  });
  return {
    openLedger: (options: PostgresLedgerOptions) => openPostgresLedger(driver, options),
    migrate: (options: PostgresLedgerOptions & { check?: boolean }) => migratePostgresWith(driver, options),
  };
}

function sqliteFileIn(url: string): string | null {
  if (/^postgres(ql)?:\/\//.test(url)) return null;
  const file = /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
  if (file) return file;
  // The message leaves the URL out, which may contain a password.
  throw new WaybillError('config_invalid', 'The URL of a ledger is sqlite:FILE or postgres://USER@HOST/DATABASE.');
}
