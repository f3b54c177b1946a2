import type pg from 'pg';
import { isMatchingText, type OptionRule } from '../protocol/internal.ts';

export const connectionStringRule: OptionRule = {
  expected: 'a URL such as postgres://user:password@host/database',
  isValid: isMatchingText(/^postgres(ql)?:\/\//),
  required: true,
};

/**
 * Opens a pool whose connections may break without ending the process: when the server restarts, an operator ends a
 * backend, or a proxy closes an idle connection. https://node-postgres.com/apis/pool#events
 *
 * @param onError called when an idle connection has broken; a call that uses one rejects
 */
export function openPool(driver: typeof pg, settings: pg.PoolConfig, onError?: (error: Error) => void): pg.Pool {
  const pool = new driver.Pool(settings);
  pool.on('error', (error) => onError?.(error));
  // The pool handles errors of idle connections only. A connection can also break between two statements of a
  // transaction.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
