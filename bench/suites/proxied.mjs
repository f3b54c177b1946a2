/**
 * proxied: the cost of one upload for the app's server. It compares a server that only grants with servers that receive
 * the bytes and forward them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measuredCore, otherCore, startChild } from '../harness/child.mjs';
import { account, bucket } from '../harness/fixtures.mjs';
import { median, rowsOf, takeTurns } from '../harness/rounds.mjs';
import { startStore } from '../harness/store.mjs';
import { atMost } from '../harness/targets.mjs';

export const about =
  'What the app server pays for one file of 256 MiB, CPU scaled to a GiB: direct (grant and completion) against servers that pass the bytes on. On a link that the client limits, wall time is nearly equal: this is about the server.';
export const peers = ['multer', 'busboy', '@aws-sdk/lib-storage', '@aws-sdk/client-s3', 'express'];

const [KiB, MiB, GiB] = [2 ** 10, 2 ** 20, 2 ** 30];
const floor = 'floor: direct, bare signer';
const waybill = { name: 'waybill, direct', module: 'proxied/waybill', way: 'direct' };
const contenders = [
  { name: floor, module: 'grant/floor-node', way: 'direct', completes: false },
  waybill,
  { name: 'raw pipe', module: 'proxied/pipe', way: 'raw' },
  { name: 'busboy to lib-storage', module: 'proxied/busboy', way: 'form' },
  { name: 'multer, disk', module: 'proxied/multer-disk', way: 'form' },
  { name: 'multer, memory', module: 'proxied/multer-memory', way: 'form' },
];

export async function run({ rounds, quick, note }) {
  const size = quick ? 32 * MiB : 256 * MiB;
  const stops = [];
  try {
    const sender = await helper('sender-process', stops);
    const sink = await helper('sink-process', stops);
    const dir = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
    stops.push(() => rm(dir, { recursive: true, force: true }));
    const options = { account, bucket, sink: sink.ready.url, dir, grantLength: 400, receiptLength: 380 };

    const all = new Map(contenders.map(({ name }) => [name, []]));
    const turns = contenders.map((contender) => ({
      name: contender.name,
      async turn() {
        const before = await sink.ask('stored');
        const spent = await uploadOnce(contender, { size, sender, options });
        const passedOn = (await sink.ask('stored')) - before;
        if (contender.way !== 'direct' && passedOn < size)
          throw new Error(`${contender.name} did not send the file on.`);
        all.get(contender.name).push(spent);
        return (spent.cpuSeconds * GiB) / size;
      },
    }));
    note(`${rounds} rounds, each with fresh servers and one file of ${size / MiB} MiB`);
    const figures = await takeTurns(turns, rounds);
    const column = (unit, pick) =>
      rowsOf(new Map([...all].map(([name, list]) => [`${name}, ${unit.what}`, list.map(pick)])), {
        unit: unit.unit,
        floor: `${floor}, ${unit.what}`,
      });

    note('many small files, for the cost of one at a warm server');
    const small = await smallFiles({ count: quick ? 50 : 250, sender, options });
    const spent = all.get(waybill.name);
    const bytes = median(spent.map(({ fromClients }) => fromClients));
    return {
      rows: [
        ...rowsOf(figures, { unit: 'CPU s/GiB', floor }),
        ...column({ what: 'peak RSS', unit: 'MiB' }, ({ peakRss }) => peakRss / MiB),
        ...column({ what: 'from clients', unit: 'kB/file' }, ({ fromClients }) => fromClients / 1000),
        ...column(
          { what: 'in all', unit: 'kB/file' },
          ({ fromClients, fromStorage }) => (fromClients + fromStorage) / 1000,
        ),
      ],
      targets: [
        atMost('CPU for one grant, warm, ms', 1, small.grantMs),
        atMost('CPU for one grant and completion, warm, ms', 1, small.wholeMs),
        atMost('RSS growth while the file is sent, MiB', 8, median(spent.map(({ growth }) => growth)) / MiB),
        atMost(`bytes from clients, for ${size / MiB} MiB over for 64 KiB`, 1.05, bytes / small.fromClients),
      ],
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Each upload uses new processes, because the peak of memory belongs to a process. */
async function uploadOnce(contender, { size, sender, options }) {
  return withServer(contender, options, async (app, ask) => {
    const job = { way: contender.way, completes: contender.completes ?? true, app: app.url };
    // The measurement starts after the optimiser has warmed up.
    await ask(sender, { ...job, size: 64 * KiB, count: 40 });
    const before = await app.ask('usage');
    await ask(sender, { ...job, size });
    const after = await app.ask('usage');
    return difference(before, after);
  });
}

/**
 * The cost of a file whose bytes cost nothing, at a server that is warmed up: the first calls load modules, and the
 * optimiser is active for some hundreds of files.
 */
async function smallFiles({ count, sender, options }) {
  return withServer(waybill, options, async (app, ask) => {
    const job = { way: 'direct', app: app.url, size: 64 * KiB };
    const perFile = async (completes) => {
      await ask(sender, { ...job, count: 4 * count, completes });
      const before = await app.ask('usage');
      await ask(sender, { ...job, count, completes });
      const { cpuSeconds, fromClients } = difference(before, await app.ask('usage'));
      return { ms: (cpuSeconds * 1000) / count, fromClients: fromClients / count };
    };
    const grant = await perFile(false);
    const whole = await perFile(true);
    return { grantMs: grant.ms, wholeMs: whole.ms, fromClients: whole.fromClients };
  });
}

async function withServer({ name, module }, options, work) {
  const store = await startStore();
  try {
    const app = await startChild(
      new URL('../harness/server-process.mjs', import.meta.url),
      {
        module: new URL(`../contenders/${module}.mjs`, import.meta.url).href,
        options: { ...options, endpoint: store.endpoint },
      },
      { core: measuredCore },
    );
    try {
      const ask = async (helperProcess, job) => {
        const { error } = await helperProcess.ask(job);
        if (error) throw new Error(`${name}: ${error}`);
      };
      return await work({ ...app, url: `http://127.0.0.1:${app.ready.port}` }, ask);
    } finally {
      await app.stop();
    }
  } finally {
    await store.stop();
  }
}

const difference = (before, after) => ({
  cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  peakRss: after.peakRss,
  growth: Math.max(0, after.peakRss - before.rss),
  fromClients: after.fromClients - before.fromClients,
  fromStorage: after.fromStorage - before.fromStorage,
});

async function helper(name, stops) {
  const child = await startChild(new URL(`../harness/${name}.mjs`, import.meta.url), null, { core: otherCore });
  stops.push(child.stop);
  return child;
}
