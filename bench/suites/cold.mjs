/** cold: a new process imports the package, makes its first grant (peers: a presigned PUT) and ends. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment, command, measuredCore } from '../harness/child.mjs';
import { median, rowsOf, takeTurns } from '../harness/rounds.mjs';
import { atMost } from '../harness/targets.mjs';

export const about =
  'From spawning `node` to its end: import, first grant (peers: first presigned PUT). Waybill runs its whole handler.';
export const peers = [
  's3mini',
  'aws4fetch',
  '@better-upload/server',
  '@aws-sdk/client-s3',
  '@aws-sdk/s3-request-presigner',
  'minio',
];

const MiB = 2 ** 20;
const floor = 'floor: bare Node';
const contenders = [
  { name: floor, script: 'bare' },
  { name: 'waybill', script: 'waybill' },
  { name: 's3mini', script: 's3mini' },
  { name: 'aws4fetch', script: 'aws4fetch' },
  { name: 'better-upload', script: 'better-upload' },
  { name: 'AWS SDK', script: 'aws-sdk' },
  { name: 'minio', script: 'minio' },
];

export async function run({ rounds, quick, note }) {
  const runs = quick ? Math.max(3, rounds) : Math.max(21, rounds * 3);
  const memory = new Map(contenders.map(({ name }) => [name, []]));
  const turns = contenders.map(({ name, script }) => ({
    name,
    async turn() {
      const { ms, made, peakRss } = await runCold(script);
      if (name !== floor && !/X-Amz-Signature=[0-9a-f]{64}/.test(made)) throw new Error(`${name} presigned nothing.`);
      memory.get(name).push(peakRss / MiB);
      return ms;
    },
  }));
  // From here on files are in the page cache.
  await takeTurns(turns, 1);
  for (const values of memory.values()) values.length = 0;
  note(`${runs} fresh processes each, interleaved`);
  const figures = await takeTurns(turns, runs);
  const resident = rowsOf(memory, { unit: 'MiB', floor }).map((row) => ({
    ...row,
    contender: `${row.contender}, peak RSS`,
  }));
  const extra = figures.get('waybill').map((ms, turn) => ms - figures.get(floor)[turn]);
  return {
    rows: [...rowsOf(figures, { unit: 'ms', floor }), ...resident],
    targets: [atMost('first grant over bare Node, ms', 35, median(extra))],
  };
}

/** @returns {Promise<{ ms: number, made: string, peakRss: number }>} */
function runCold(script) {
  const path = fileURLToPath(new URL(`../contenders/cold/${script}.mjs`, import.meta.url));
  const [file, args] = command(measuredCore, [path]);
  const start = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: childEnvironment });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const ms = performance.now() - start;
      if (code === 0) resolve({ ms, ...JSON.parse(text) });
      else reject(new Error(`${script}.mjs ended with ${code}.`));
    });
  });
}
