/** resume: the tab or the process is killed at half of the file, and the bytes that are sent twice are counted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../harness/child.mjs';
import { median } from '../harness/rounds.mjs';
import { atMost } from '../harness/targets.mjs';
import { startBench, startEnvironment } from '../harness/transfer.mjs';

export const about =
  'One file over 40 ms and six connections of 0.5, 2 and 12.5 MB/s each. At half of its bytes the tab is killed (the process: `waybill up`, by SIGKILL); the next page, or process, goes on with the same file. What the storage received in all, less the file, was sent twice.';
export const peers = [];

const MiB = 2 ** 20;
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const connections = 6;
/** The rate of one connection, and a file that takes about ten seconds. */
const lines = [
  { bytesPerSecond: 0.5e6, sizeMiB: 48, quickMiB: 48 },
  { bytesPerSecond: 2e6, sizeMiB: 128, quickMiB: 128 },
  { bytesPerSecond: 12.5e6, sizeMiB: 512, quickMiB: 192 },
];
/** An interruption may lose this time of sending. */
const mostLostSeconds = 10;

export async function run({ rounds, quick, note }) {
  const bench = await startBench();
  const rows = [];
  const targets = [];
  try {
    for (const { bytesPerSecond, sizeMiB, quickMiB } of lines) {
      const size = (quick ? quickMiB : sizeMiB) * MiB;
      const file = await bench.samples.large(size);
      const environment = await startEnvironment(bench, { store: 'bare', peers: false, rttMs: 40, bytesPerSecond });
      const speed = `${bytesPerSecond / 1e6} MB/s`;
      const interruptions = [
        [`${speed}, tab killed`, inPage],
        [`${speed}, waybill up killed`, inProcess],
      ];
      for (const [name, measure] of interruptions) {
        const turns = [];
        for (let round = 0; round < (quick ? 1 : Math.min(rounds, 3)); round++) {
          const turn = await measure({ environment, bench, file, size, home: `${bytesPerSecond}-${round}` });
          note(
            `${name}: ${(turn.again / MiB).toFixed(1)} MiB sent again, parts of ${(turn.partBytes / MiB).toFixed(1)} MiB`,
          );
          turns.push(turn);
        }
        const again = median(turns.map((turn) => turn.again)) / MiB;
        const inFlight = (median(turns.map(({ partBytes }) => partBytes)) * connections) / MiB;
        const lostSeconds = (again * MiB) / (connections * bytesPerSecond);
        rows.push({ contender: `${name}: sent again`, value: again, unit: 'MiB', ratio: again / inFlight });
        rows.push({ contender: `${name}: parts in flight (floor)`, value: inFlight, unit: 'MiB', ratio: 1 });
        rows.push({ contender: `${name}: sending lost`, value: lostSeconds, unit: 's', ratio: again / inFlight });
        targets.push(atMost(`${name}: sent again / parts in flight`, 1, again / inFlight));
        targets.push(atMost(`${name}: seconds of sending lost`, mostLostSeconds, lostSeconds));
      }
    }
    return { rows, targets };
  } finally {
    await bench.stop();
  }
}

async function inPage({ environment, file, size }) {
  await environment.store.ask({ what: 'reset' });
  const first = await environment.open('waybill-page');
  await first.pick([file]);
  first.evaluate('globalThis.go({})', 120_000).catch(() => {});
  await waitForHalf(environment, size);
  await first.kill();
  const partBytes = await partSize(environment);
  const second = await environment.open('waybill-page', first.contextId);
  try {
    await second.pick([file]);
    const { completed } = await second.evaluate('globalThis.go({})', 120_000);
    if (completed !== 1) throw new Error('it was not completed');
    return { again: (await environment.store.ask({ what: 'counts' })).bytes - size, partBytes };
  } finally {
    await second.close();
  }
}

async function inProcess({ environment, bench, file, size, home: name }) {
  await environment.store.ask({ what: 'reset' });
  const home = join(bench.samples.dir, `home-${name}`);
  await mkdir(home, { recursive: true });
  const start = () =>
    spawn(process.execPath, [cli, 'up', file, '--to', `${environment.url}/one/uploads`, '--route', 'files', '--json'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...childEnvironment,
        HOME: home,
        XDG_STATE_HOME: join(home, 'state'),
        XDG_CACHE_HOME: join(home, 'cache'),
      },
    });
  const first = start();
  const died = once(first, 'exit');
  try {
    await waitForHalf(environment, size);
  } finally {
    first.kill('SIGKILL');
    await died;
  }
  const partBytes = await partSize(environment);
  const second = start();
  const timer = setTimeout(() => second.kill('SIGKILL'), 120_000);
  const [code] = await once(second, 'exit');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`waybill up ended with ${code} when it went on`);
  return { again: (await environment.store.ask({ what: 'counts' })).bytes - size, partBytes };
}

async function waitForHalf(environment, size) {
  const until = performance.now() + 120_000;
  while ((await environment.store.ask({ what: 'counts' })).bytes < size / 2) {
    if (performance.now() > until) throw new Error('half of it has not come in two minutes');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Bytes of the parts that were being sent. */
async function partSize(environment) {
  const { largestPart } = await environment.store.ask({ what: 'counts' });
  if (!largestPart) throw new Error('no part was begun');
  return largestPart;
}
