import type pg from 'pg';

/**
 * A pool whose connections may break at any moment without ending the process: the server restarts, an operator ends a
 * backend, a proxy closes what is idle. https://node-postgres.com/apis/pool#events
 *
 * @param onError hears of an idle connection that broke; a call that uses one fails by itself
 */
export function openPool(driver: typeof pg, settings: pg.PoolConfig, onError?: (error: Error) => void): pg.Pool {
  const pool = new driver.Pool(settings);
  pool.on('error', (error) => onError?.(error));
  // The pool listens to idle connections only. Between two statements of a transaction nothing else would.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
