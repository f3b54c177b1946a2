/** The ledgers that a suite runs against: SQLite in a temporary file, and a real Postgres. */
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
  /** An empty one for this test. */
  open(options?: LedgerOptions): Promise<Ledger>;
  /** The same one again, as another replica would. */
  reopen(options?: LedgerOptions): Promise<Ledger>;
  /** SQL, past the ledger. */
  execute(statement: string): Promise<void>;
  /** What the database answers. */
  query(statement: string): Promise<Record<string, unknown>[]>;
  /** Where it is, for a process of its own. */
  url(): string;
}

type LedgerOptions = Pick<Parameters<typeof sqliteLedger>[0], 'now' | 'onQuery'>;

interface Place {
  url: string;
  open(options?: LedgerOptions): Promise<Ledger>;
  query(statement: string): Promise<Record<string, unknown>[]>;
  remove(): Promise<void>;
}

/** Describes the suite once for each database. `only` narrows it to one, with the reason beside the call. */
export function forEachLedger(
  name: string,
  suite: (ledger: TestLedger) => void,
  options: { only?: Ledger['kind'] } = {},
): void {
  if (options.only !== 'postgres') describeLedger(name, 'sqlite', suite, openSqlite);
  if (options.only === 'sqlite') return;
  const postgres = inject('postgres');
  if (postgres) describeLedger(name, 'postgres', suite, () => openPostgres(postgres.url));
  else describe.skip(`${name} [postgres: not on this machine]`, () => suite(describedOnly));
}

const describedOnly = { name: 'postgres' } as TestLedger;

function describeLedger(
  name: string,
  kind: Ledger['kind'],
  suite: (ledger: TestLedger) => void,
  make: () => Promise<Place>,
): void {
  describe(`${name} [${kind}]`, () => {
    let place: Place | undefined;
    const opened: Ledger[] = [];
    const there = () => {
      if (!place) throw new Error('A ledger opens inside a test');
      return place;
    };
    const open: TestLedger['reopen'] = async (options) => {
      const ledger = await there().open(options);
      opened.push(ledger);
      return ledger;
    };
    beforeEach(async () => {
      place = await make();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
      await place?.remove();
      place = undefined;
    });
    suite({
      name: kind,
      open,
      reopen: open,
      query: (statement) => there().query(statement),
      url: () => there().url,
      async execute(statement) {
        await there().query(statement);
      },
    });
  });
}

async function openSqlite(): Promise<Place> {
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

async function openPostgres(server: string): Promise<Place> {
  const database = await createTestDatabase(server);
  return {
    url: database.url,
    open: (options) => postgresLedger({ connectionString: database.url, maxConnections: 5, ...options }),
    query: (statement) => onServer(database.url, statement),
    remove: database.drop,
  };
}
