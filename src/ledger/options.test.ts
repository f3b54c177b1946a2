import { describe, expect, it } from 'vitest';
import { openLedger } from './index.ts';
import { mysqlLedger } from './mysql.ts';
import { postgresLedger, postgresRateLimits } from './postgres.ts';
import { sqliteLedger } from './sqlite.ts';

describe('ledger options', () => {
  const connectionString = 'postgres://user:hunter2@127.0.0.1:1/none';
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'an unknown option of SQLite',
      () => sqliteLedger({ file: ':memory:', fille: 1 } as never),
      /unknown option `fille`/,
    ],
    ['no file', () => sqliteLedger({} as never), /needs `file`/],
    ['a file that cannot be created', () => sqliteLedger({ file: '/dev/null/none.db' }), /cannot be used/],
    [
      'an unknown option of Postgres',
      () => postgresLedger({ connectionString, max: 3 } as never),
      /unknown option `max`/,
    ],
    ['no connections', () => postgresLedger({ connectionString, maxConnections: 0 }), /needs `maxConnections`/],
    [
      'the URL of another database',
      () => postgresLedger({ connectionString: 'mysql://hunter2@x' }),
      /needs `connectionString`/,
    ],
    [
      'the URL of another database for MySQL',
      () => mysqlLedger({ connectionString }),
      /needs `connectionString`.*mysql:/,
    ],
    [
      'an unknown option of MySQL',
      () => mysqlLedger({ connectionString: 'mysql://hunter2@x/y', max: 3 } as never),
      /unknown option `max`/,
    ],
    [
      'an unknown option of rate limits',
      async () => postgresRateLimits({ connectionString, max: 3 } as never),
      /postgresRateLimits\(\) has an unknown option `max`/,
    ],
    [
      'the URL of another database for rate limits',
      async () => postgresRateLimits({ connectionString: 'mysql://hunter2@x' }),
      /needs `connectionString`/,
    ],
    ['an unknown URL', () => openLedger('mssql://hunter2@x'), /sqlite:FILE, postgres:.* or mysql:/],
  ])('%s is config_invalid, without the password in the message', async (_what, open, words) => {
    const error = await open().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'config_invalid', message: expect.stringMatching(words) });
    expect(String(error)).not.toContain('hunter2');
  });
});
