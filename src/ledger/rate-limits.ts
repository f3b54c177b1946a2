/** Rate limits that are counted in Postgres, so that a limit holds over all replicas. */
import pg from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { checkOptions, type OptionTable, wholeNumberRule } from '../protocol/internal.ts';
import type { RateLimitStore } from '../server/index.ts';
import { connectionStringRule, openPool } from './pool.ts';

export interface PostgresRateLimitsOptions {
  /** The database. It may be the ledger's. @example 'postgres://user:password@host/database' */
  connectionString: string;
  /** The most connections that this process opens. @default 4 @example 2 */
  maxConnections?: number;
}

export interface PostgresRateLimits extends RateLimitStore {
  close(): Promise<void>;
}

const rateLimitsOptions: OptionTable<PostgresRateLimitsOptions> = {
  connectionString: connectionStringRule,
  maxConnections: wholeNumberRule(1, 10_000),
};

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const insufficientPrivilege = '42501';

/**
 * Each replica ends a period by its own clock. The clocks should differ by less than `perSeconds`.
 *
 * @example createUploads({ rateLimit: { perOwner: { points: 600, perSeconds: 60 }, store: postgresRateLimits({
 * connectionString }) } })
 * @throws {WaybillError} `config_invalid` for an invalid option
 */
export function postgresRateLimits(options: PostgresRateLimitsOptions): PostgresRateLimits {
  checkOptions('postgresRateLimits()', options, rateLimitsOptions);
  const { connectionString, maxConnections = 4 } = options;
  const pool = openPool(pg, {
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  return {
    open: (name, { points, perSeconds }) => {
      const createLimiter = (tableCreated: boolean) =>
        new Promise<RateLimiterPostgres>((resolve, reject) => {
          const limiter = new RateLimiterPostgres(
            {
              keyPrefix: name,
              points,
              duration: perSeconds,
              storeClient: pool,
              storeType: 'client',
              tableName: 'waybill_rates',
              tableCreated,
              // A key over its limit is refused until its period ends, without another query.
              inMemoryBlockOnConsumed: points + 1,
            },
            // With `tableCreated` the callback runs before the constructor has returned.
            (error) => (error ? reject(error) : queueMicrotask(() => resolve(limiter))),
          );
        });
      return createLimiter(false).catch((error) => {
        // A user without the right to create tables uses the existing table.
        if ((error as { code?: unknown }).code === insufficientPrivilege) return createLimiter(true);
        throw error;
      });
    },
    close: () => pool.end(),
  };
}
