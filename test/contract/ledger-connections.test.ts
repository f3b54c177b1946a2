/** Broken connections to Postgres end neither the process nor the ledger. */
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openPool } from '../../src/ledger/pool.ts';
import { postgresLedger, postgresRateLimits } from '../../src/ledger/postgres.ts';
import { createTestDatabase, onServer } from '../support/postgres.ts';

const postgres = inject('postgres');

/** Ends every other connection to the database, as an operator or a restart does. Returns their number. */
async function endConnections(url: string): Promise<number> {
  const others = 'datname = current_database() and pid <> pg_backend_pid()';
  return (await onServer(url, `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`)).length;
}

// An `error` event without a listener is an uncaught exception, which fails the run.
describe.skipIf(!postgres)('a connection that Postgres ends', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  beforeEach(async () => {
    database = await createTestDatabase(postgres?.url ?? '');
  });
  afterEach(() => database.drop());

  it('an idle connection that ends is replaced, and the ledger reports it', async () => {
    let report = (_error: Error) => {};
    const reported = new Promise<Error>((resolve) => {
      report = resolve;
    });
    const ledger = await postgresLedger({ connectionString: database.url, onError: (error) => report(error) });
    try {
      await ledger.usage('anna');
      expect(await endConnections(database.url)).toBeGreaterThan(0);
      expect((await reported).message).toContain('terminating connection');
      expect(await ledger.usage('anna')).toMatchObject({ storedBytes: 0 });
    } finally {
      await ledger.close();
    }
  });

  it('a connection that ends fails only its own transaction', async () => {
    const pool = openPool(pg, { connectionString: database.url, max: 1 });
    try {
      const client = await pool.connect();
      await client.query('begin');
      const ended = new Promise<void>((resolve) => client.once('end', resolve));
      expect(await endConnections(database.url)).toBe(1);
      await ended;
      await expect(client.query('select 1')).rejects.toThrow();
      client.release(true);
      expect((await pool.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    } finally {
      await pool.end();
    }
  });

  it('a connection that ends does not end a process that counts rates', async () => {
    const limits = postgresRateLimits({ connectionString: database.url });
    try {
      const limiter = await limits.open('calls', { points: 5, perSeconds: 60 });
      await limiter.consume('anna', 1);
      expect(await endConnections(database.url)).toBeGreaterThan(0);
      // The pool may hand out the connection that has just ended. That call fails, and the next one opens another
      // connection.
      await limiter.consume('anna', 1).catch(() => undefined);
      await expect(limiter.consume('anna', 1)).resolves.toBeDefined();
    } finally {
      await limits.close();
    }
  });
});
