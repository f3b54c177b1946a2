/** The ledger in Postgres, for any number of replicas. */
import pg from 'pg';
import type { Ledger } from '../server/index.ts';
import type { SchemaVersions } from './migrations.ts';
import { migratePostgresWith, openPostgresLedger, type PostgresLedgerOptions } from './postgres-with.ts';

export type { PostgresLedgerOptions } from './postgres-with.ts';
export { type PostgresRateLimits, type PostgresRateLimitsOptions, postgresRateLimits } from './rate-limits.ts';

/**
 * @example
 * createUploads({ ledger: await postgresLedger({ connectionString: process.env.DATABASE_URL }), ... })
 * @throws {WaybillError} `config_invalid` when the schema is of a newer Waybill
 */
export function postgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  return openPostgresLedger(pg, options);
}

/** @returns the versions that were there, are there, and could be */
export function migratePostgres(options: PostgresLedgerOptions & { check?: boolean }): Promise<SchemaVersions> {
  return migratePostgresWith(pg, options);
}
