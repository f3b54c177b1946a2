/**
 * ledger: the durable record of uploads, on SQLite and on Postgres: quota, leases with fences, the outbox. It implements
 * what `server/ledger.ts` asks for. Each database is a subpath of its own, and loads only its own driver.
 */
import { WaybillError } from '../protocol/index.ts';
import type { Ledger } from '../server/index.ts';
import type { PostgresDriver, PostgresLedgerOptions } from './postgres-with.ts';

export interface OpenLedgerOptions {
  /** Bring the schema up to date at start. @default true @example false */
  migrate?: boolean;
}

/** `postgres://...`, `sqlite:path/to/file`. @throws {WaybillError} `config_invalid` for anything else */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<Ledger> {
  const file = fileOf(url);
  if (file !== null) return (await import('./sqlite.ts')).sqliteLedger({ file, ...options });
  return (await loadPostgres()).openLedger({ connectionString: url, ...options });
}

/** @returns the version of the schema before, now, and the newest that this Waybill knows */
export async function migrateLedger(
  url: string,
  options: { check?: boolean } = {},
): Promise<{ from: number; to: number; newest: number }> {
  const file = fileOf(url);
  if (file !== null) return (await import('./sqlite.ts')).migrateSqlite({ file, ...options });
  return (await loadPostgres()).migrate({ connectionString: url, ...options });
}

/** `pg` is an optional peer: bundlers leave it to Node, because they would fail where it is not installed. */
async function loadPostgres() {
  const { migratePostgresWith, openPostgresLedger } = await import('./postgres-with.ts');
  const peer = 'pg';
  const loaded = import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer);
  const { default: driver }: { default: PostgresDriver } = await loaded.catch((cause: unknown) => {
    throw new WaybillError('config_invalid', 'A ledger in Postgres needs the package `pg`: npm install pg', { cause });
  });
  return {
    openLedger: (options: PostgresLedgerOptions) => openPostgresLedger(driver, options),
    migrate: (options: PostgresLedgerOptions & { check?: boolean }) => migratePostgresWith(driver, options),
  };
}

function fileOf(url: string): string | null {
  if (/^postgres(ql)?:\/\//.test(url)) return null;
  const file = /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
  if (file) return file;
  // Not the url: it may hold a password.
  throw new WaybillError('config_invalid', 'A ledger is named by sqlite:FILE or postgres://USER@HOST/DATABASE.');
}
