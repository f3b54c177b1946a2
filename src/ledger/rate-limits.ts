/** Counters in Postgres: a limit holds over all replicas. */
import pg from 'pg';
import { RateLimiterMemory, RateLimiterPostgres } from 'rate-limiter-flexible';
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
 * While the database does not answer each replica counts alone: uploads go on, and nobody gets more than so many times the
 * limit.
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
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', () => {});
  return {
    open: (name, { points, perSeconds }) =>
      new Promise((resolve, reject) => {
        const rate = { keyPrefix: name, points, duration: perSeconds };
        const limiter = new RateLimiterPostgres(
          {
            ...rate,
            storeClient: pool,
            storeType: 'client',
            tableName: 'waybill_rates',
            insuranceLimiter: new RateLimiterMemory(rate),
          },
          (error) => (error ? reject(error) : resolve(limiter)),
        );
      }),
    close: () => pool.end(),
  };
}
