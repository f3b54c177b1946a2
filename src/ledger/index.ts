/**
 * ledger: the durable record of uploads in SQLite, Postgres, MySQL or MariaDB: states, leases with fences, quota, the
 * outbox. It implements the `Ledger` interface of `server`. Each database has its own subpath, which loads only its own
 * driver.
 */
import { WaybillError } from '../protocol/index.ts';
import type { Ledger } from '../server/index.ts';
import type { SchemaVersions } from './migrations.ts';
import type { MysqlDriver } from './mysql-with.ts';
import type { PostgresDriver } from './postgres-with.ts';

export interface OpenLedgerOptions {
  /** Whether to migrate the schema at start. @default true @example false */
  migrate?: boolean;
}

/**
 * Opens the ledger that a URL names: `postgres://...`, `mysql://...`, `mariadb://...` or `sqlite:path/to/file`.
 *
 * @throws {WaybillError} `config_invalid` for another URL, or when the schema is newer than this version of Waybill
 */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<Ledger> {
  return (await loadDatabase(url)).open(options);
}

/** @returns the version of the schema before and after, and the newest one that this version of Waybill knows */
export async function migrateLedger(url: string, options: { check?: boolean } = {}): Promise<SchemaVersions> {
  return (await loadDatabase(url)).migrate(options);
}

interface LoadedDatabase {
  open(options: OpenLedgerOptions): Promise<Ledger>;
  migrate(options: { check?: boolean }): Promise<SchemaVersions>;
}

/** Loads only the driver of the database that the URL names. */
async function loadDatabase(url: string): Promise<LoadedDatabase> {
  if (/^postgres(ql)?:\/\//.test(url)) return loadPostgres(url);
  if (/^(mysql|mariadb):\/\//.test(url)) return loadMysql(url);
  const file = /^sqlite:(?:\/\/)?(.+)$/s.exec(url)?.[1];
  if (file) {
    const { migrateSqlite, sqliteLedger } = await import('./sqlite.ts');
    return {
      open: (options) => sqliteLedger({ file, ...options }),
      migrate: (options) => migrateSqlite({ file, ...options }),
    };
  }
  // The message leaves the URL out, which may contain a password.
  throw new WaybillError(
    'config_invalid',
    'The URL of a ledger is sqlite:FILE, postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE.',
  );
}

async function loadPostgres(connectionString: string): Promise<LoadedDatabase> {
  const { migratePostgresWith, openPostgresLedger } = await import('./postgres-with.ts');
  const peer = 'pg';
  const loaded = import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer);
  const driver = await requireDriver<PostgresDriver>(loaded, 'pg', 'Postgres');
  return {
    open: (options) => openPostgresLedger(driver, { connectionString, ...options }),
    migrate: (options) => migratePostgresWith(driver, { connectionString, ...options }),
  };
}

async function loadMysql(connectionString: string): Promise<LoadedDatabase> {
  const { migrateMysqlWith, openMysqlLedger } = await import('./mysql-with.ts');
  const peer = 'mysql2/promise';
  const loaded = import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ peer);
  const driver = await requireDriver<MysqlDriver>(loaded, 'mysql2', 'MySQL or MariaDB');
  return {
    open: (options) => openMysqlLedger(driver, { connectionString, ...options }),
    migrate: (options) => migrateMysqlWith(driver, { connectionString, ...options }),
  };
}

/**
 * The drivers are optional peers, so their names are in variables: bundlers must not resolve them, and would fail where
 * one is not installed.
 */
async function requireDriver<Driver>(loaded: Promise<{ default: Driver }>, name: string, database: string) {
  const { default: driver } = await loaded.catch((cause: unknown) => {
    throw new WaybillError(
      'config_invalid',
      `A ledger in ${database} needs the package \`${name}\`. Install it: npm install ${name}`,
      { cause },
    );
  });
  return driver;
}
