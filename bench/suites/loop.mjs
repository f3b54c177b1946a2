/**
 * loop: the longest time for which the event loop of the server is blocked while 200 clients upload and it is killed
 * once.
 */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import { childEnvironment, startChild } from '../harness/child.mjs';
import { account, bucket } from '../harness/fixtures.mjs';
import { median } from '../harness/rounds.mjs';
import { startStore } from '../harness/store.mjs';
import { atMost } from '../harness/targets.mjs';

export const about = `The longest stall of the server's event loop: 200 clients are granted, send 2 kB and complete, without pause; half-way the
server is killed with SIGKILL and starts again on the same ledger. Stalls are counted from the moment it listens. "held" is
what is left of a stall without the time for which the thread waited for a core. The floor is a process beside it that does
nothing: its stalls are the machine's.`;
export const peers = [];

const clients = 200;
const names = { sqlite: 'SQLite', postgres: 'Postgres' };

export async function run({ rounds, quick, note }) {
  const stops = [];
  try {
    const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const store = await startStore();
    stops.push(() => store.stop());
    const { startPostgres, createTestDatabase } = await support('postgres');
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());

    const found = { sqlite: [], postgres: [] };
    for (let round = 0; round < (quick ? 1 : Math.min(rounds, 3)); round += 1)
      for (const kind of Object.keys(found)) {
        const ledger =
          kind === 'sqlite' ? `sqlite:${join(dir, `${round}.db`)}` : (await createTestDatabase(postgres.url)).url;
        const turn = await oneTurn({ ledger, endpoint: store.endpoint, uploads: quick ? 300 : 1500 });
        const words = Object.entries(turn).map(([what, value]) => `${what} ${Math.round(value)}`);
        note(`${names[kind]}: ${words.join(', ')}`);
        found[kind].push(turn);
      }
    return reportOf(found);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

const support = (name) =>
  runnerImport(fileURLToPath(new URL(`../../test/support/${name}.ts`, import.meta.url))).then(({ module }) => module);

async function oneTurn({ ledger, endpoint, uploads }) {
  const storage = {
    bucket,
    region: account.region,
    endpoint,
    credentials: { accessKeyId: account.accessKeyId, secretAccessKey: account.secretAccessKey },
    capabilities: 'devstore',
  };
  const argument = { ledger, storage, secret: randomBytes(30).toString('hex') };
  const bare = await startWatched('bare', {});
  const load = await startChild(new URL('../contenders/loop/clients.mjs', import.meta.url), { clients });
  const lives = [];
  try {
    for (let life = 0; life < 2; life += 1) {
      const server = await startWatched('server', argument);
      lives.push(server);
      await load.ask({ port: server.port });
      await untilCompleted(load, (life + 1) * uploads);
      await server.kill();
    }
    const { completed } = await load.ask({});
    const longest = (of, what) => Math.max(...of.map((one) => one.longest[what]));
    return {
      completed,
      held: longest(lives, 'heldMs'),
      wall: longest(lives, 'wallMs'),
      bareHeld: longest([bare], 'heldMs'),
      bareWall: longest([bare], 'wallMs'),
    };
  } finally {
    await Promise.all([...lives, bare].map((one) => one.kill()));
    await load.stop();
  }
}

async function untilCompleted(load, count) {
  const giveUpAt = performance.now() + 120_000;
  for (;;) {
    const { completed } = await load.ask({});
    if (completed >= count) return;
    if (performance.now() > giveUpAt) throw new Error(`Only ${completed} of ${count} uploads were completed.`);
    await pause(50);
  }
}

/** Starts a process that reports each new longest stall. */
async function startWatched(name, argument) {
  const file = fileURLToPath(new URL(`../contenders/loop/${name}.mjs`, import.meta.url));
  const child = fork(file, [JSON.stringify(argument)], { env: childEnvironment });
  const exited = once(child, 'exit');
  const watched = { longest: { heldMs: 0, wallMs: 0 }, port: 0 };
  child.on('message', ({ longest }) => {
    if (longest) watched.longest = longest;
  });
  const [{ port }] = await Promise.race([
    once(child, 'message'),
    exited.then(([code, signal]) => {
      throw new Error(`${name} ended early (${signal ?? code}).`);
    }),
  ]);
  return Object.assign(watched, {
    port,
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  });
}

function reportOf(found) {
  const rows = [];
  const targets = [];
  for (const [kind, turns] of Object.entries(found)) {
    const of = (what) => median(turns.map((turn) => turn[what]));
    const floors = { held: Math.max(1, of('bareHeld')), wall: Math.max(1, of('bareWall')) };
    const add = (contender, value, floor) => rows.push({ contender, value, unit: 'ms', ratio: value / floor });
    add(`waybill, ${names[kind]}: held`, of('held'), floors.held);
    add(`waybill, ${names[kind]}: by the clock`, of('wall'), floors.wall);
    add(`idle process beside ${names[kind]}: held (floor)`, floors.held, floors.held);
    add(`idle process beside ${names[kind]}: by the clock (floor)`, floors.wall, floors.wall);
    targets.push(atMost(`${names[kind]}: longest stall, ms`, 200, of('held')));
  }
  return { rows, targets };
}
