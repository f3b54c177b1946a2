/**
 * ledger: the durable record of uploads, on SQLite and on Postgres: quota, leases with fences, the outbox. It implements
 * what `server/ledger.ts` asks for. Each database is a subpath of its own, and loads only its own driver.
 */
import { WaybillError } from '../protocol/index.ts';
import type { Ledger } from '../server/index.ts';

export interface OpenLedgerOptions {
  /** Bring the schema up to date at start. @default true */
  migrate?: boolean;
}

/** `postgres://...`, `sqlite:path/to/file`. @throws {WaybillError} `config_invalid` for anything else */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<Ledger> {
  const file = fileOf(url);
  if (file !== null) return (await import('./sqlite.ts')).sqliteLedger({ file, ...options });
  return (await loadPostgres()).postgresLedger({ connectionString: url, ...options });
}

/** @returns the version of the schema before, now, and the newest that this Waybill knows */
export async function migrateLedger(
  url: string,
  options: { check?: boolean } = {},
): Promise<{ from: number; to: number; newest: number }> {
  const file = fileOf(url);
  if (file !== null) return (await import('./sqlite.ts')).migrateSqlite({ file, ...options });
  return (await loadPostgres()).migratePostgres({ connectionString: url, ...options });
}

async function loadPostgres(): Promise<typeof import('./postgres.ts')> {
  try {
    return await import('./postgres.ts');
  } catch (cause) {
    throw new WaybillError('config_invalid', 'A ledger in Postgres needs the package `pg`: npm install pg', { cause });
  }
}

function fileOf(url: string): string | null {
  if (/^postgres(ql)?:\/\//.test(url)) return null;
  const file = /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
  if (file) return file;
  // Not the url: it may hold a password.
  throw new WaybillError('config_invalid', 'A ledger is named by sqlite:FILE or postgres://USER@HOST/DATABASE.');
}
