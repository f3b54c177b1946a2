/**
 * Replicas are killed with -9 at random, the database is restarted, the store answers with 503 and breaks connections, every
 * event comes twice and out of order, the replicas' clocks are ten minutes apart. At the end: what a client was told is
 * there, what is there is on record, what is on record was announced once, and the quota is what is stored.
 *
 *     npm run test:crash                              twenty seeds
 *     WAYBILL_CRASH_SEED=17 WAYBILL_CRASH_RUNS=1 npx vitest run test/crash
 */

import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLedger } from '../../src/ledger/index.ts';
import { postgresLedger } from '../../src/ledger/postgres.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { createUploads } from '../../src/server/index.ts';
import { hasPostgres } from '../support/postgres.ts';
import { runClients } from './clients.ts';
import { routesOf } from './config.ts';
import { judge } from './judge.ts';
import { createWorld, type World } from './world.ts';

const runs = Number(process.env.WAYBILL_CRASH_RUNS ?? 1);
const first = Number(process.env.WAYBILL_CRASH_SEED ?? 1);
/** On Postgres; one process on SQLite gets half as many. */
const most = Number(process.env.WAYBILL_CRASH_UPLOADS ?? 2000);
const tenMinutes = 600_000;
/** Fifty deaths and starts of a process take long where others use the cores as well. */
const halfAnHour = 1_800_000;

/** mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

let dir: string;
let replicaFile: string;
beforeAll(async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  dir = await mkdtemp(join(cache, 'crash-'));
  replicaFile = join(dir, 'replica.mjs');
  await build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), 'replica.ts')],
    outfile: replicaFile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Tells a replica of what the store has taken: each twice, in any order, and again until one has listened. */
async function tell(world: World, random: () => number, over: () => boolean): Promise<void> {
  let seen = 0;
  const waiting: string[] = [];
  while (!over() || waiting.length > 0 || seen < world.stored.length) {
    for (; seen < world.stored.length; seen += 1)
      waiting.push(world.stored[seen] as string, world.stored[seen] as string);
    if (waiting.length === 0) {
      await sleep(20);
      continue;
    }
    // Every fourth is late: until then its client, or nobody, has asked.
    const some = waiting.splice(Math.floor(random() * waiting.length), 1 + Math.floor(random() * 8));
    const Records = some.map((key) => ({
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'uploads' }, object: { key } },
    }));
    const answer = await fetch(`${world.url}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.config.eventsSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ Records }),
    }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => {});
    if (!answer?.ok) {
      waiting.push(...some);
      await sleep(50);
    }
  }
}

/** Time passes, for the database too: leases are over, what waits is due, what nobody comes back for is given up. */
async function settle(world: World): Promise<void> {
  let offset = 0;
  const now = () => Date.now() + offset;
  const url = world.config.ledger;
  const later = url.startsWith('sqlite:')
    ? await sqliteLedger({ file: url.slice('sqlite:'.length), now })
    : await postgresLedger({ connectionString: url, now });
  const app = createUploads({
    storage: world.storage,
    secret: world.config.secret,
    ledger: later,
    now,
    multipartMinBytes: 5 * 1024 * 1024,
    routes: routesOf(async (uploadId) => {
      world.announced.set(uploadId, (world.announced.get(uploadId) ?? 0) + 1);
    }),
  });
  try {
    for (let pass = 0; pass < 60; pass += 1) {
      offset += 2 * 3_600_000;
      await app.sweep({ graceSeconds: 0 });
      const { states } = await later.counts();
      const staged = (await world.storage.list({ prefix: 'incoming/' })).objects.length;
      const parts = (await world.storage.listMultiparts({ prefix: '' })).uploads.length;
      if (states.granted + states.completing + staged + parts === 0) return;
    }
  } finally {
    await later.close();
  }
}

async function run(seed: number, kind: 'sqlite' | 'postgres'): Promise<void> {
  const random = seeded(seed);
  const uploads = kind === 'postgres' ? most : Math.ceil(most / 2);
  const world = await createWorld({
    ledger: kind,
    replicas: kind === 'postgres' ? 3 : 1,
    skewsMs: kind === 'postgres' ? [0, tenMinutes, -tenMinutes] : [0],
    replicaFile,
    random,
  });
  try {
    let ended = 0;
    let over = false;
    const restarts = kind === 'postgres' ? [0.3, 0.6] : [];
    // Nine tenths of them are owed before the last tenth begins: SQLite's process dies fifty times.
    const wanted = kind === 'postgres' ? 15 : 56;
    /** However fast the machine is, this much has gone wrong before the nth upload begins. */
    async function before(n: number): Promise<void> {
      const share = n / uploads;
      const behind = () =>
        world.kills() < Math.floor(wanted * Math.min(share, 0.9)) ||
        (restarts[0] !== undefined && share > restarts[0] + 0.1);
      while (behind()) await sleep(20);
    }
    const clients = runClients(world.url, {
      uploads,
      random,
      before,
      done: (count) => {
        ended = count;
      },
    });
    const killing = (async () => {
      while (!over) {
        await sleep(300 + random() * 1500);
        const due = restarts[0];
        if (due !== undefined && ended >= due * uploads) {
          await world.postgres?.restart(restarts.length === 2 ? 'immediate' : 'fast');
          restarts.shift();
        }
        // Enough is enough: the last ones are to end.
        if (!over && ended < uploads * 0.97 && world.kills() < (kind === 'sqlite' ? 56 : 1000)) await world.kill();
      }
    })();
    const telling = tell(world, random, () => over);
    const result = await clients;
    over = true;
    await Promise.all([killing, telling]);
    // No process is in the middle of anything any more, and nobody comes back.
    await world.stopReplicas();
    world.calm();
    const ledger = await openLedger(world.config.ledger);
    try {
      await settle(world);
      const verdict = await judge(ledger, world.storage, { told: result.told, announced: world.announced });
      const facts = {
        seed,
        told: result.told.length,
        left: result.left,
        gaveUp: result.gaveUp,
        kills: world.kills(),
        completed: verdict.completed,
        again: verdict.again.length,
      };
      console.log(`crash [${kind}]: ${JSON.stringify(facts)}`);
      expect(verdict.broken, JSON.stringify(facts)).toEqual([]);
      expect(result.gaveUp, JSON.stringify(facts)).toEqual([]);
      expect(result.told.length).toBeGreaterThan(uploads * 0.85);
      expect(verdict.completed).toBeGreaterThanOrEqual(result.told.length + result.left * 0.9);
      expect(restarts).toEqual([]);
      expect(world.kills()).toBeGreaterThanOrEqual(Math.floor(wanted * 0.9));
    } finally {
      await ledger.close();
    }
  } finally {
    await world.close();
  }
}

describe('one process on SQLite, killed again and again', () => {
  for (let seed = first; seed < first + runs; seed += 1) it(`seed ${seed}`, () => run(seed, 'sqlite'), halfAnHour);
});

describe.skipIf(!hasPostgres() && !process.env.CI)('three replicas on Postgres', () => {
  for (let seed = first; seed < first + runs; seed += 1) it(`seed ${seed}`, () => run(seed, 'postgres'), halfAnHour);
});
