/** Runs a suite against each ledger: SQLite in a temporary file, and a real Postgres. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, inject } from 'vitest';
import { postgresLedger } from '../../src/ledger/postgres.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Ledger } from '../../src/server/index.ts';
import { createTestDatabase, onServer } from './postgres.ts';

export interface TestLedger {
  readonly name: Ledger['kind'];
  /** Opens the test's own ledger, which is empty at first. */
  open(options?: LedgerOptions): Promise<Ledger>;
  /** Opens the same ledger again, as another replica does. */
  reopen(options?: LedgerOptions): Promise<Ledger>;
  /** Runs SQL without the ledger. */
  execute(statement: string): Promise<void>;
  /** Runs SQL without the ledger and returns the rows. */
  query(statement: string): Promise<Record<string, unknown>[]>;
  /** The ledger's URL, for another process. */
  url(): string;
}

type LedgerOptions = Pick<Parameters<typeof sqliteLedger>[0], 'now' | 'onQuery'>;

interface Database {
  url: string;
  open(options?: LedgerOptions): Promise<Ledger>;
  query(statement: string): Promise<Record<string, unknown>[]>;
  remove(): Promise<void>;
}

/** Describes the suite once for each database. `only` selects one; the caller states the reason in a comment. */
export function forEachLedger(
  name: string,
  suite: (ledger: TestLedger) => void,
  options: { only?: Ledger['kind'] } = {},
): void {
  if (options.only !== 'postgres') describeLedger(name, 'sqlite', suite, openSqlite);
  if (options.only === 'sqlite') return;
  const postgres = inject('postgres');
  if (postgres) describeLedger(name, 'postgres', suite, () => openPostgres(postgres.url));
  else describe.skip(`${name} [postgres: not installed]`, () => suite(describedOnly));
}

const describedOnly = { name: 'postgres' } as TestLedger;

function describeLedger(
  name: string,
  kind: Ledger['kind'],
  suite: (ledger: TestLedger) => void,
  make: () => Promise<Database>,
): void {
  describe(`${name} [${kind}]`, () => {
    let database: Database | undefined;
    const opened: Ledger[] = [];
    const current = () => {
      if (!database) throw new Error('Open a ledger inside a test, not while the suite is described.');
      return database;
    };
    const open: TestLedger['reopen'] = async (options) => {
      const ledger = await current().open(options);
      opened.push(ledger);
      return ledger;
    };
    beforeEach(async () => {
      database = await make();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
      await database?.remove();
      database = undefined;
    });
    suite({
      name: kind,
      open,
      reopen: open,
      query: (statement) => current().query(statement),
      url: () => current().url,
      async execute(statement) {
        await current().query(statement);
      },
    });
  });
}

async function openSqlite(): Promise<Database> {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-ledger-'));
  const file = join(dir, 'uploads.db');
  return {
    url: `sqlite:${file}`,
    open: (options) => sqliteLedger({ file, ...options }),
    async query(statement) {
      const database = new Libsql(file);
      try {
        const prepared = database.prepare(statement);
        if (prepared.reader) return prepared.all([]) as Record<string, unknown>[];
        prepared.run([]);
        return [];
      } finally {
        database.close();
      }
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

async function openPostgres(server: string): Promise<Database> {
  const database = await createTestDatabase(server);
  return {
    url: database.url,
    open: (options) => postgresLedger({ connectionString: database.url, maxConnections: 5, ...options }),
    query: (statement) => onServer(database.url, statement),
    remove: database.drop,
  };
}
