/** The ledger in MySQL and MariaDB, for any number of replicas of the server. */
import mysql from 'mysql2/promise';
import type { Ledger } from '../server/index.ts';
import type { SchemaVersions } from './migrations.ts';
import { type MysqlLedgerOptions, migrateMysqlWith, openMysqlLedger } from './mysql-with.ts';

export type { MysqlLedgerOptions } from './mysql-with.ts';

/**
 * @example
 * createUploads({ ledger: await mysqlLedger({ connectionString: process.env.DATABASE_URL }), ... })
 * @throws {WaybillError} `config_invalid` when the schema is newer than this version of Waybill
 */
export function mysqlLedger(options: MysqlLedgerOptions): Promise<Ledger> {
  return openMysqlLedger(mysql, options);
}

/** @returns the version of the schema before and after, and the newest one that this version of Waybill knows */
export function migrateMysql(options: MysqlLedgerOptions & { check?: boolean }): Promise<SchemaVersions> {
  return migrateMysqlWith(mysql, options);
}
