/** The ledger in Postgres, for any number of replicas of the server. */
import pg from 'pg';
import type { Ledger } from '../server/index.ts';
import type { SchemaVersions } from './migrations.ts';
import { migratePostgresWith, openPostgresLedger, type PostgresLedgerOptions } from './postgres-with.ts';

export type { PostgresLedgerOptions } from './postgres-with.ts';
export { type PostgresRateLimits, type PostgresRateLimitsOptions, postgresRateLimits } from './rate-limits.ts';

/**
 * @example
 * createUploads({ ledger: await postgresLedger({ connectionString: process.env.DATABASE_URL }), ... })
 * @throws {WaybillError} `config_invalid` when the schema is newer than this version of Waybill
 */
export function postgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  return openPostgresLedger(pg, options);
}

/** @returns the version of the schema before and after, and the newest one that this version of Waybill knows */
export function migratePostgres(options: PostgresLedgerOptions & { check?: boolean }): Promise<SchemaVersions> {
  return migratePostgresWith(pg, options);
}
