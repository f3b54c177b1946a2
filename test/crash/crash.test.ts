/**
 * Crash tests. Replicas are killed with SIGKILL at random, the database is restarted, the store answers 503 and breaks
 * connections, every storage event is delivered twice and out of order, and the replicas' clocks differ by ten minutes.
 * At the end, every upload that a client was told is complete is stored, every stored file is recorded and was
 * announced once, and the quota equals what is stored.
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
import { mysqlLedger } from '../../src/ledger/mysql.ts';
import { postgresLedger } from '../../src/ledger/postgres.ts';
import { sqliteLedger } from '../../src/ledger/sqlite.ts';
import { createUploads, type Ledger } from '../../src/server/index.ts';
import { isLedgerSelected } from '../support/ledger-kinds.ts';
import { hasMariadb } from '../support/mariadb.ts';
import { hasPostgres } from '../support/postgres.ts';
import { createRandom } from '../support/random.ts';
import { isFullSize } from '../support/test-size.ts';
import { checkResult } from './check-result.ts';
import { runClients } from './clients.ts';
import { createRoutes } from './config.ts';
import { createEnvironment, type Environment } from './environment.ts';

const runs = Number(process.env.WAYBILL_CRASH_RUNS ?? 1);
const first = Number(process.env.WAYBILL_CRASH_SEED ?? 1);
/** Uploads of a run on a database server. A run on SQLite has half as many. */
const uploadsPerRun = Number(process.env.WAYBILL_CRASH_UPLOADS ?? (isFullSize ? 200 : 100));
/** A run on SQLite restarts its process as often, which takes a second or two each. */
const sqliteKills = isFullSize ? 56 : 6;
const tenMinutes = 600_000;
/** Restarting a process fifty times takes long on a busy machine. */
const halfAnHour = 1_800_000;

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

/** Delivers the storage's events to the replicas: each twice, in random order, and again until a replica accepts it. */
async function deliverEvents(
  environment: Environment,
  random: () => number,
  clientsEnded: () => boolean,
): Promise<void> {
  let seen = 0;
  const waiting: string[] = [];
  while (!clientsEnded() || waiting.length > 0 || seen < environment.stored.length) {
    for (; seen < environment.stored.length; seen += 1)
      waiting.push(environment.stored[seen] as string, environment.stored[seen] as string);
    if (waiting.length === 0) {
      await sleep(20);
      continue;
    }
    const batch = waiting.splice(Math.floor(random() * waiting.length), 1 + Math.floor(random() * 8));
    const Records = batch.map((key) => ({
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'uploads' }, object: { key } },
    }));
    const answer = await fetch(`${environment.url}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${environment.config.eventsSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ Records }),
    }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => {});
    if (!answer?.ok) {
      waiting.push(...batch);
      await sleep(50);
    }
  }
}

/** Sweeps with a clock that is put forward each time, until no upload is open and staging is empty. */
async function sweepUntilDone(environment: Environment): Promise<void> {
  let offset = 0;
  const now = () => Date.now() + offset;
  const url = environment.config.ledger;
  const ledger = url.startsWith('sqlite:')
    ? await sqliteLedger({ file: url.slice('sqlite:'.length), now })
    : url.startsWith('mysql:')
      ? await mysqlLedger({ connectionString: url, now })
      : await postgresLedger({ connectionString: url, now });
  const app = createUploads({
    storage: environment.storage,
    secret: environment.config.secret,
    ledger,
    now,
    multipartMinBytes: 5 * 1024 * 1024,
    routes: createRoutes(async (uploadId) => {
      environment.announced.set(uploadId, (environment.announced.get(uploadId) ?? 0) + 1);
    }),
  });
  try {
    for (let pass = 0; pass < 60; pass += 1) {
      offset += 2 * 3_600_000;
      await app.sweep({ graceSeconds: 0 });
      const { states } = await ledger.counts();
      const staged = (await environment.storage.list({ prefix: 'incoming/' })).objects.length;
      const parts = (await environment.storage.listMultiparts({ prefix: '' })).uploads.length;
      if (states.granted + states.completing + staged + parts === 0) return;
    }
  } finally {
    await ledger.close();
  }
}

async function runSeed(seed: number, kind: Ledger['kind']): Promise<void> {
  const random = createRandom(seed);
  const uploads = kind !== 'sqlite' ? uploadsPerRun : Math.ceil(uploadsPerRun / 2);
  const environment = await createEnvironment({
    ledger: kind,
    replicas: kind !== 'sqlite' ? 3 : 1,
    skewsMs: kind !== 'sqlite' ? [0, tenMinutes, -tenMinutes] : [0],
    replicaFile,
    random,
  });
  try {
    let ended = 0;
    let clientsEnded = false;
    const restarts = kind !== 'sqlite' ? [0.3, 0.6] : [];
    // Nine tenths of the kills happen before the last tenth of the uploads.
    const wantedKills = kind !== 'sqlite' ? 15 : sqliteKills;
    /** Holds the nth upload back until enough faults have happened, however fast the machine is. */
    async function before(n: number): Promise<void> {
      const share = n / uploads;
      const isBehind = () =>
        environment.kills() < Math.floor(wantedKills * Math.min(share, 0.9)) ||
        (restarts[0] !== undefined && share > restarts[0] + 0.1);
      while (isBehind()) await sleep(20);
    }
    const clients = runClients(environment.url, {
      uploads,
      random,
      before,
      done: (count) => {
        ended = count;
      },
    });
    const killing = (async () => {
      while (!clientsEnded) {
        await sleep(300 + random() * 1500);
        const due = restarts[0];
        if (due !== undefined && ended >= due * uploads) {
          await environment.database?.restart(restarts.length === 2 ? 'immediate' : 'fast');
          restarts.shift();
        }
        // No kills near the end, so that the last uploads can complete.
        if (!clientsEnded && ended < uploads * 0.97 && environment.kills() < (kind === 'sqlite' ? sqliteKills : 1000))
          await environment.killReplica();
      }
    })();
    const delivering = deliverEvents(environment, random, () => clientsEnded);
    const result = await clients;
    clientsEnded = true;
    await Promise.all([killing, delivering]);
    await environment.stopReplicas();
    environment.stopFaults();
    const ledger = await openLedger(environment.config.ledger);
    try {
      await sweepUntilDone(environment);
      const checked = await checkResult(ledger, environment.storage, {
        confirmed: result.confirmed,
        announced: environment.announced,
      });
      const facts = {
        seed,
        confirmed: result.confirmed.length,
        unconfirmed: result.unconfirmed,
        failed: result.failed,
        kills: environment.kills(),
        completed: checked.completed,
        announcedAgain: checked.announcedAgain.length,
      };
      console.log(`crash [${kind}]: ${JSON.stringify(facts)}`);
      expect(checked.violations, JSON.stringify(facts)).toEqual([]);
      expect(result.failed, JSON.stringify(facts)).toEqual([]);
      expect(result.confirmed.length).toBeGreaterThan(uploads * 0.85);
      expect(checked.completed).toBeGreaterThanOrEqual(result.confirmed.length + result.unconfirmed * 0.9);
      expect(restarts).toEqual([]);
      expect(environment.kills()).toBeGreaterThanOrEqual(Math.floor(wantedKills * 0.9));
    } finally {
      await ledger.close();
    }
  } finally {
    await environment.close();
  }
}

if (isLedgerSelected('sqlite'))
  describe('one process on SQLite, killed at random', () => {
    for (let seed = first; seed < first + runs; seed += 1)
      it(`every upload that was confirmed with seed ${seed} is kept`, () => runSeed(seed, 'sqlite'), halfAnHour);
  });

for (const [kind, name, isInstalled] of [
  ['postgres', 'Postgres', hasPostgres()],
  ['mysql', 'MariaDB', hasMariadb()],
] as const) {
  if (isLedgerSelected(kind))
    describe.skipIf(!isInstalled && !process.env.CI)(`three replicas on ${name}, killed at random`, () => {
      for (let seed = first; seed < first + runs; seed += 1)
        it(`every upload that was confirmed with seed ${seed} is kept`, () => runSeed(seed, kind), halfAnHour);
    });
}
