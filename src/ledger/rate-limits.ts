/** Counters in Postgres: a limit holds over all replicas. */
import pg from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { RateLimitStore } from '../server/index.ts';

export interface PostgresRateLimitsOptions {
  /** @example 'postgres://user:password@host/database' */
  connectionString: string;
  /** @default 4 */
  maxConnections?: number;
}

export interface PostgresRateLimits extends RateLimitStore {
  close(): Promise<void>;
}

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
  const pool = new pg.Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', () => {});
  return {
    open: (name, { points, perSeconds }) =>
      new Promise((resolve, reject) => {
        const limiter = new RateLimiterPostgres(
          {
            keyPrefix: name,
            points,
            duration: perSeconds,
            storeClient: pool,
            storeType: 'client',
            tableName: 'waybill_rates',
            // Who is over the limit stays so until its period ends, and is refused without asking again.
            inMemoryBlockOnConsumed: points + 1,
          },
          (error) => (error ? reject(error) : resolve(limiter)),
        );
      }),
    close: () => pool.end(),
  };
}
