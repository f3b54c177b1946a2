/**
 * ledger: records a grant durably before it is answered, for 100 concurrent callers, with SQLite (WAL, synchronous =
 * FULL) and Postgres (fsync on, synchronous_commit on), at three sizes of the table.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import { createUpload, grouped, onPostgres, onSqlite } from '../contenders/ledger.mjs';
import { median, ratioOf, takeTurns } from '../harness/rounds.mjs';
import { atLeast, atMost } from '../harness/targets.mjs';

export const about = `A grant on record: quota reserved, one row, durable before it is answered; 100 concurrent callers, 10 connections to Postgres.
The floor is the raw prepared INSERT of the same row into the same table, a commit for each, by as many callers over as many
connections. The second floor shares commits as the ledger does: ${grouped} rows in each statement, by hand.`;
export const peers = [];

const callers = 100;
const kinds = ['sqlite', 'postgres'];

const support = (name) =>
  runnerImport(fileURLToPath(new URL(`../../test/support/${name}.ts`, import.meta.url))).then(({ module }) => module);

export async function run({ rounds, quick, note }) {
  const sizes = quick ? [1000, 10_000] : [1000, 100_000, 1_000_000];
  const stops = [];
  try {
    const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const { startPostgres, createTestDatabase } = await support('postgres');
    // No turn pays for the work that another left behind.
    const postgres = await startPostgres(['autovacuum = off', 'checkpoint_timeout = 1h', 'max_wal_size = 8GB']);
    stops.push(() => postgres.stop());
    const { addUploads } = await support('many-uploads');

    const turns = [];
    const latencies = new Map();
    for (const kind of kinds)
      for (const size of sizes) {
        const open = { sqlite: openSqlite, postgres: openPostgres }[kind];
        const place = await open();
        stops.push(() => place.close());
        note(`${kind}: recording ${size} uploads`);
        await addUploads({ kind, count: size, execute: place.query, query: place.query });
        for (const [name, { count, record }] of Object.entries(waysOf(place, quick))) {
          const of = nameOf(kind, size, name);
          latencies.set(of, []);
          turns.push({
            name: of,
            async turn() {
              const { seconds, p99 } = await record();
              latencies.get(of).push(p99);
              await undo(place, count);
              return count / seconds;
            },
          });
        }
      }

    async function openSqlite() {
      return onSqlite(join(dir, `${turns.length}.db`));
    }
    async function openPostgres() {
      return onPostgres((await createTestDatabase(postgres.url)).url);
    }

    note('warming up');
    await takeTurns(turns, 1);
    for (const list of latencies.values()) list.length = 0;
    note(`measuring: ${rounds} rounds of ${turns.length} turns`);
    return reportOf(await takeTurns(turns, rounds), latencies, sizes);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

const methodNames = { ledger: 'waybill', floor: 'floor', grouped: `floor in groups of ${grouped}` };
const names = { sqlite: 'SQLite', postgres: 'Postgres' };
const nameOf = (kind, size, method) =>
  `${methodNames[method]}, ${names[kind]}, ${size.toLocaleString('en-US')} recorded`;

function waysOf(place, quick) {
  const list = (count) => Array.from({ length: count }, (_, n) => createUpload(n));
  const each = (count, record) => ({ count, record: () => byCallers(list(count), record, callers) });
  const many = quick ? 500 : 3000;
  const groups = () => Array.from({ length: many / grouped }, () => list(grouped));
  return {
    ledger: each(many, place.grant),
    // One commit per row is slow.
    floor: each(quick ? 200 : 1000, place.insert),
    grouped: { count: many, record: () => byCallers(groups(), place.insertMany, place.groupsAtOnce) },
  };
}

/** @returns the total time, and the 99th percentile of the waits, in milliseconds */
async function byCallers(items, record, atOnce) {
  const waited = [];
  const start = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < items.length) {
        const item = items[next++];
        const began = performance.now();
        await record(item);
        waited.push(performance.now() - began);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  waited.sort((a, b) => a - b);
  return { seconds, p99: waited[Math.floor(waited.length * 0.99)] };
}

/** Checks that the rows were recorded, and then deletes them. */
async function undo({ kind, query }, count) {
  const added = "state = 'granted' and created_at > 1750000000000";
  const [{ n }] = await query(`select count(*) as n from waybill_uploads where ${added}`);
  if (Number(n) < count) throw new Error(`${count} were recorded, and ${n} are there.`);
  await query(`delete from waybill_uploads where ${added}`);
  if (kind === 'sqlite') await query('pragma wal_checkpoint(passive)');
}

function reportOf(figures, latencies, sizes) {
  const rows = [];
  const targets = [];
  const slowest = [];
  for (const kind of kinds) {
    const of = (size, method) => nameOf(kind, size, method);
    for (const size of sizes) {
      for (const method of Object.keys(methodNames)) {
        const name = of(size, method);
        const ratio = ratioOf(figures, name, of(size, 'floor'));
        rows.push({ contender: name, value: median(figures.get(name)), unit: 'rows/s', ratio });
      }
      for (const method of ['ledger', 'floor']) {
        const p99 = median(latencies.get(of(size, method)));
        const ratio = p99 / median(latencies.get(of(size, 'floor')));
        slowest.push({ contender: `${of(size, method)}, p99`, value: p99, unit: 'ms', ratio });
      }
    }
    const [small, large] = [sizes[0], sizes.at(-1)];
    const worst = (floor) => Math.min(...sizes.map((size) => ratioOf(figures, of(size, 'ledger'), of(size, floor))));
    targets.push(
      atLeast(`${names[kind]}: grant / floor, at the worst size`, 0.5, worst('floor')),
      atLeast(`${names[kind]}: grant / floor in groups, at the worst size`, 0.5, worst('grouped')),
      atMost(
        `${names[kind]}: cost of a grant at ${large.toLocaleString('en-US')} / at ${small.toLocaleString('en-US')}`,
        1.2,
        1 / ratioOf(figures, of(large, 'ledger'), of(small, 'ledger')),
      ),
      atMost(
        `${names[kind]}: the same of the floor in groups`,
        1.2,
        1 / ratioOf(figures, of(large, 'grouped'), of(small, 'grouped')),
      ),
    );
  }
  return { rows: [...rows, ...slowest], targets };
}
