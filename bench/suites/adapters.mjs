/**
 * adapters: what each adapter adds to its framework. The floor is the same framework with the least code that passes a
 * request to `uploads.handle()`. A cold start is a new process that answers its first grant over HTTP; a grant is one
 * `POST /uploads` under load, by CPU time as in grant.mjs.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { frameworks } from '../contenders/adapters/frameworks.mjs';
import { childEnvironment, command, measuredCore, otherCore, startChild } from '../harness/child.mjs';
import { account, bucket } from '../harness/fixtures.mjs';
import { median, ratioOf, rowsOf, takeTurns } from '../harness/rounds.mjs';
import { startStore } from '../harness/store.mjs';
import { atMost } from '../harness/targets.mjs';

export const about =
  'Each adapter on its framework, over the same framework with the least code that calls the handler: a cold start until the first grant, and a grant under load.';
export const peers = ['autocannon'];

const names = Object.keys(frameworks);
const floorOf = (contender) => contender.replace(/^waybill/, 'floor');
const contenders = names.flatMap((framework) => [
  { name: `floor on ${framework}`, framework, form: 'bare' },
  { name: `waybill on ${framework}`, framework, form: 'adapter' },
]);

export async function run({ rounds, quick, note }) {
  const cold = await measureCold(quick ? Math.max(3, rounds) : Math.max(21, rounds * 3), note);
  const grants = await measureGrants(rounds, quick ? 0.5 : 1, note);
  const added = names.map((name) => ({
    name,
    coldMs: median(cold.get(`waybill on ${name}`).map((ms, turn) => ms - cold.get(`floor on ${name}`)[turn])),
    grantPercent: (1 / ratioOf(grants, `waybill on ${name}`, `floor on ${name}`) - 1) * 100,
  }));
  return {
    rows: [
      ...rowsOf(cold, { unit: 'ms', floor: floorOf }).map(suffixed('cold start')),
      ...rowsOf(grants, { unit: 'grants/CPU s', floor: floorOf }),
    ],
    targets: added.flatMap(({ name, coldMs, grantPercent }) => [
      atMost(`${name}: added to a cold start, ms`, 5, coldMs),
      atMost(`${name}: added to a grant, %`, 10, grantPercent),
    ]),
  };
}

const suffixed = (what) => (row) => ({ ...row, contender: `${row.contender}, ${what}` });

async function measureCold(runs, note) {
  const turns = contenders.map(({ name, framework, form }) => ({ name, turn: () => runCold(framework, form) }));
  // From here on files are in the page cache.
  await takeTurns(turns, 1);
  note(`${runs} fresh processes each, interleaved`);
  return takeTurns(turns, runs);
}

/** Resolves to milliseconds. */
function runCold(framework, form) {
  const script = fileURLToPath(new URL('../contenders/adapters/cold.mjs', import.meta.url));
  const [file, args] = command(measuredCore, [script, framework, form]);
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
      if (code === 0 && text.includes('X-Amz-Signature=')) resolve(ms);
      else reject(new Error(`${framework} (${form}) ended with ${code} and granted nothing.`));
    });
  });
}

async function measureGrants(rounds, seconds, note) {
  const stops = [];
  try {
    // A server looks at its storage after the first grant, and refuses grants when nothing answers there.
    const store = await startStore();
    stops.push(store.stop);
    const load = await startChild(new URL('../harness/load-process.mjs', import.meta.url), null, { core: otherCore });
    stops.push(load.stop);
    const file = { fileName: 'face.png', size: 2000, contentType: 'image/png' };
    const checksum = { algorithm: 'sha256', value: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' };
    const body = JSON.stringify({ route: 'avatar', files: [{ ...file, checksum }] });
    const turns = [];
    for (const { name, framework, form } of contenders) {
      const server = await startChild(
        new URL('../harness/server-process.mjs', import.meta.url),
        {
          module: new URL('../contenders/adapters/server.mjs', import.meta.url).href,
          options: { framework, form, endpoint: store.endpoint, account, bucket },
        },
        { core: measuredCore },
      );
      stops.push(server.stop);
      const url = `http://127.0.0.1:${server.ready.port}/uploads`;
      turns.push({
        name,
        async turn() {
          const before = await server.ask('usage');
          const { answers, others } = await load.ask({ url, body, seconds });
          const after = await server.ask('usage');
          if (others > 0 || answers === 0) throw new Error(`${name}: ${others} bad answers.`);
          return answers / (after.cpuSeconds - before.cpuSeconds);
        },
      });
    }
    note('warming up');
    await takeTurns(turns, 2);
    note(`${rounds} rounds of ${turns.length} x ${seconds} s`);
    return await takeTurns(turns, rounds);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
