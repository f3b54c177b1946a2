/** Counters in Postgres: a limit holds over all replicas. */
import pg from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { RateLimitStore } from '../server/index.ts';
import { openPool } from './pool.ts';

export interface PostgresRateLimitsOptions {
  /** The database. It may be the ledger's. @example 'postgres://user:password@host/database' */
  connectionString: string;
  /** The most connections that this process opens. @default 4 @example 2 */
  maxConnections?: number;
}

export interface PostgresRateLimits extends RateLimitStore {
  close(): Promise<void>;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const mayNotCreate = '42501';

/**
 * Periods end by the clocks of the replicas: those should differ by less than `perSeconds`.
 *
 * @example
 * createUploads({ rateLimit: { perOwner: { points: 600, perSeconds: 60 }, store: postgresRateLimits({ connectionString }) } })
 */
export function postgresRateLimits({
  connectionString,
  maxConnections = 4,
}: PostgresRateLimitsOptions): PostgresRateLimits {
  const pool = openPool(pg, {
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  return {
    open: (name, { points, perSeconds }) => {
      const make = (tableCreated: boolean) =>
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
              // Who is over the limit stays so until its period ends, and is refused without asking again.
              inMemoryBlockOnConsumed: points + 1,
            },
            // With `tableCreated` it says so before it is made.
            (error) => (error ? reject(error) : queueMicrotask(() => resolve(limiter))),
          );
        });
      return make(false).catch((error) => {
        // Who may not create tables may use the one there is.
        if ((error as { code?: unknown }).code === mayNotCreate) return make(true);
        throw error;
      });
    },
    close: () => pool.end(),
  };
}
