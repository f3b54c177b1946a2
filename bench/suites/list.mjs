/**
 * list: one page of the files of an owner who has a million of them, as `uploads.list()` reads it from the ledger. The
 * database also holds a quarter of a million uploads of this owner and of others that are not in the list.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Libsql from 'libsql';
import pg from 'pg';
import { runnerImport } from 'vite';
import { postgresLedger } from 'waybill/ledger/postgres';
import { sqliteLedger } from 'waybill/ledger/sqlite';
import { median, ratioOf, takeTurns } from '../harness/rounds.mjs';
import { atMost } from '../harness/targets.mjs';

export const about = `One page of 50 files of an owner with a million files, of 1,250,000 uploads on record: the newest page, one in
the middle, the oldest, and one in the middle of a single route. One caller, one call after the other. The figure is the median time
of a call, and the ratio compares it with the newest page.`;
export const peers = [];

const pageSize = 50;
const maxPageMs = 5;
/** When `addUploads` says that its first upload was granted. The others follow, one each millisecond. */
const firstGrantedAt = 1_700_000_000_000;

const support = (name) =>
  runnerImport(fileURLToPath(new URL(`../../test/support/${name}.ts`, import.meta.url))).then(({ module }) => module);

export async function run({ rounds, quick, note }) {
  const count = quick ? 20_000 : 1_250_000;
  const stops = [];
  try {
    const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const { startPostgres, createTestDatabase } = await support('postgres');
    const postgres = await startPostgres(['max_wal_size = 8GB']);
    stops.push(() => postgres.stop());
    const { addUploads, largestOwner } = await support('many-uploads');
    const turns = [];
    for (const [name, open] of Object.entries({
      SQLite: () => openSqlite(join(dir, 'list.db')),
      Postgres: async () => openPostgres((await createTestDatabase(postgres.url)).url),
    })) {
      const { ledger, query, close } = await open();
      stops.push(close);
      note(`${name}: recording ${count} uploads`);
      await addUploads({ kind: ledger.kind, count, execute: query, query, oneLargeOwner: true });
      const { storedFiles } = await ledger.usage(largestOwner);
      if (storedFiles < count * 0.8) throw new Error(`The owner has only ${storedFiles} files.`);
      turns.push(...turnsOf(name, ledger, largestOwner, count, quick ? 20 : 200));
    }
    note('warming up');
    await takeTurns(turns, 1);
    note(`measuring: ${rounds} rounds of ${turns.length} turns`);
    return reportOf(await takeTurns(turns, rounds));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function turnsOf(database, ledger, ownerId, count, calls) {
  const cursorAt = (n) => `${firstGrantedAt + n}.0`;
  const pages = {
    'newest page': {},
    'page in the middle': { after: cursorAt(count / 2) },
    'oldest page': { after: cursorAt(100) },
    'page in the middle of a route': { route: 'files', after: cursorAt(count / 2) },
  };
  return Object.entries(pages).map(([page, filter]) => ({
    name: `${database}, ${page}`,
    async turn() {
      const times = [];
      for (let n = 0; n < calls; n += 1) {
        const start = performance.now();
        const { uploads } = await ledger.listFiles({ ownerId, limit: pageSize, ...filter });
        times.push(performance.now() - start);
        if (uploads.length !== pageSize) throw new Error(`The ${page} has ${uploads.length} files.`);
      }
      return median(times);
    },
  }));
}

function reportOf(figures) {
  const rows = [...figures].map(([contender, values]) => {
    const newest = `${contender.slice(0, contender.indexOf(','))}, newest page`;
    return { contender, value: median(values), unit: 'ms', ratio: ratioOf(figures, contender, newest) };
  });
  const targets = ['SQLite', 'Postgres'].map((database) => {
    const slowest = Math.max(
      ...rows.filter(({ contender }) => contender.startsWith(database)).map(({ value }) => value),
    );
    return atMost(`${database}: the slowest of its pages, in ms`, maxPageMs, slowest);
  });
  return { rows, targets };
}

async function openSqlite(file) {
  const ledger = await sqliteLedger({ file });
  const database = new Libsql(file, { timeout: 5000 });
  return {
    ledger,
    query: async (text) => {
      const statement = database.prepare(text);
      return statement.reader ? statement.all() : statement.run();
    },
    async close() {
      database.close();
      await ledger.close();
    },
  };
}

async function openPostgres(connectionString) {
  const ledger = await postgresLedger({ connectionString });
  const pool = new pg.Pool({ connectionString, max: 1 });
  // Without a listener a connection that breaks while it is idle would end the process. Calls on it fail anyway.
  pool.on('error', (error) => console.error(`Postgres: ${error.message}`));
  return {
    ledger,
    query: async (text) => (await pool.query(text)).rows,
    async close() {
      await pool.end();
      await ledger.close();
    },
  };
}
