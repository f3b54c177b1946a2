/** Runs a suite against each ledger: SQLite in a temporary file, a real Postgres, and a real MariaDB. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, inject } from 'vitest';
import { mysqlLedger } from '../../src/ledger/mysql.ts';
import { postgresLedger } from '../../src/ledger/postgres.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import type { Ledger } from '../../src/server/index.ts';
import { isLedgerSelected } from './ledger-kinds.ts';
import { createMariadbDatabase, onMariadb } from './mariadb.ts';
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

/**
 * Describes the suite once for each database in `WAYBILL_LEDGERS`. `only` selects some of them; the caller states the
 * reason in a comment.
 */
export function forEachLedger(
  name: string,
  suite: (ledger: TestLedger) => void,
  { only }: { only?: readonly Ledger['kind'][] } = {},
): void {
  const servers = { postgres: inject('postgres'), mysql: inject('mariadb') };
  for (const kind of ['sqlite', 'postgres', 'mysql'] as const) {
    if (!isLedgerSelected(kind) || only?.includes(kind) === false) continue;
    if (kind === 'sqlite') {
      describeLedger(name, kind, suite, openSqlite);
      continue;
    }
    const server = servers[kind];
    const make = kind === 'postgres' ? openPostgres : openMariadb;
    if (server) describeLedger(name, kind, suite, () => make(server.url));
    else describe.skip(`${name} [${kind}: not installed]`, () => suite({ name: kind } as TestLedger));
  }
}

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

/** The database of the previous test, empty. MariaDB needs a second for the tables of a ledger. */
let emptied: string | undefined;

async function openMariadb(server: string): Promise<Database> {
  const url = emptied ?? (await createMariadbDatabase(server));
  emptied = undefined;
  const query = (statement: string) => onMariadb(url, statement);
  return {
    url,
    open: (options) => mysqlLedger({ connectionString: url, maxConnections: 5, ...options }),
    query,
    async remove() {
      const found = await query(
        "select table_name as name from information_schema.tables where table_schema = database() and table_name like 'waybill%'",
      );
      const [migrated] =
        found.length > 0
          ? await query('select max(version) as version, count(*) as steps from waybill_migrations')
          : [];
      const [large] = migrated ? await query('select 1 from waybill_uploads limit 1 offset 10000') : [];
      if (large) return;
      for (const { name } of found) if (name !== 'waybill_migrations') await query(`delete from ${name}`);
      // One test writes the version of a newer Waybill.
      if (migrated && migrated.version === migrated.steps) emptied = url;
    },
  };
}
