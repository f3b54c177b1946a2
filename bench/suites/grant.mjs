/**
 * grant: a complete `POST /uploads` for one file: authorize, limits, key, seal, sign. Each app server is a process
 * pinned to one core, and the load (autocannon, 16 connections) comes from another core. The figure is requests per
 * second of the server's CPU time. Otherwise a load that is too slow for the fastest server, or another process on the
 * core, would favour slow servers.
 */
import { createHash, randomBytes } from 'node:crypto';
import { measuredCore, otherCore, startChild } from '../harness/child.mjs';
import { account, bucket } from '../harness/fixtures.mjs';
import { median, ratioOf, rowsOf, takeTurns } from '../harness/rounds.mjs';
import { startStore } from '../harness/store.mjs';
import { atLeast, atMost } from '../harness/targets.mjs';

export const about =
  'POST /uploads for one file: authorize, limits, key, seal, sign. Server pinned to one core, autocannon with 16 connections on the other.';
export const peers = [
  'autocannon',
  'hono',
  '@hono/node-server',
  'express',
  '@better-upload/server',
  '@aws-sdk/client-s3',
  '@aws-sdk/s3-request-presigner',
];

const MiB = 2 ** 20;
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(2000)]);
const sha256 = createHash('sha256').update(png).digest('base64');
const file = { fileName: 'face.png', size: png.length, contentType: 'image/png' };

const ours = {
  body: { route: 'avatar', files: [{ ...file, checksum: { algorithm: 'sha256', value: sha256 } }] },
  requestOf: ({ uploads: [{ request }] }) => request,
};
const sdk = { ...ours, requestOf: ({ url, headers }) => ({ method: 'PUT', url, headers }) };
const betterUpload = {
  body: { route: 'avatar', files: [{ name: file.fileName, size: file.size, type: file.contentType }] },
  requestOf: ({ files: [{ signedUrl, headers }] }) => ({
    method: 'PUT',
    url: signedUrl,
    headers: { ...headers, 'content-type': file.contentType },
  }),
};

/** The first two start first, so that the floor can answer as many bytes as they do. */
const contenders = [
  { name: 'waybill on node:http', module: 'waybill-node', floor: 'floor on node:http', ...ours },
  { name: 'waybill on Hono', module: 'waybill-hono', floor: 'floor on Hono', ...ours },
  { name: 'floor on node:http', module: 'floor-node', floor: 'floor on node:http', ...ours },
  { name: 'floor on Hono', module: 'floor-hono', floor: 'floor on Hono', ...ours },
  { name: 'better-upload on Hono', module: 'better-upload-hono', floor: 'floor on Hono', ...betterUpload },
  { name: 'AWS SDK on Hono', module: 'sdk-hono', floor: 'floor on Hono', ...sdk },
  { name: 'AWS SDK on Express', module: 'sdk-express', floor: 'floor on node:http', ...sdk },
];
const floorOf = (name) => contenders.find((contender) => contender.name === name).floor;

export async function run({ rounds, quick, note }) {
  const stops = [];
  try {
    const store = await startStore();
    stops.push(store.stop);
    const load = await startChild(new URL('../harness/load-process.mjs', import.meta.url), null, { core: otherCore });
    stops.push(load.stop);
    const options = { endpoint: store.endpoint, account, bucket, grantLength: 0, receiptLength: 0 };
    const servers = new Map();
    for (const contender of contenders) {
      const { module, name } = contender;
      const server = await startServer(module, options);
      stops.push(server.stop);
      servers.set(name, server);
      const answer = await checkContender(server, contender);
      if (module !== 'waybill-node') continue;
      options.grantLength = answer.uploads[0].grant.length;
      options.receiptLength = answer.uploads[0].request.headers['x-amz-meta-waybill'].length;
    }

    const seconds = quick ? 1 : 3;
    const perCpu = new Map(contenders.map(({ name }) => [name, []]));
    const used = new Map(contenders.map(({ name }) => [name, []]));
    const turn = (contender) => async () => {
      const server = servers.get(contender.name);
      const before = await server.ask('usage');
      const result = await load.ask({ url: `${server.url}/uploads`, body: JSON.stringify(contender.body), seconds });
      const after = await server.ask('usage');
      if (result.others > 0 || result.answers === 0)
        throw new Error(`${contender.name}: ${result.others} bad answers.`);
      const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
      used.get(contender.name).push(cpuSeconds / result.seconds);
      perCpu.get(contender.name).push(result.answers / cpuSeconds);
      return result.answers / result.seconds;
    };
    const turns = contenders.map((contender) => ({ name: contender.name, turn: turn(contender) }));
    note('warming up');
    await takeTurns(turns, 1);
    for (const list of [...used.values(), ...perCpu.values()]) list.length = 0;
    note(`measuring: ${rounds} rounds of ${contenders.length} x ${seconds} s`);
    const figures = await takeTurns(turns, rounds);
    for (const [name, shares] of used) {
      const share = median(shares);
      if (share < 0.9)
        note(`${name} had only ${Math.round(share * 100)} % of its core: the load or a neighbour took the rest`);
    }

    const resident = await rssOf(servers, contenders);
    return {
      rows: [
        ...rowsOf(perCpu, { unit: 'requests/CPU s', floor: floorOf }),
        ...rowsOf(figures, { unit: 'requests/s', floor: floorOf }).map(suffixed('as seen from outside')),
        ...resident.rows,
      ],
      targets: [
        atLeast('node:http: grant / floor', 0.7, ratioOf(perCpu, 'waybill on node:http', 'floor on node:http')),
        atLeast('Hono: grant / floor', 0.7, ratioOf(perCpu, 'waybill on Hono', 'floor on Hono')),
        atMost('RSS after the load, over bare Node after the same, MiB', 40, resident.above),
      ],
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

const suffixed = (what) => (row) => ({ ...row, contender: `${row.contender}, ${what}` });

async function startServer(module, options) {
  const url = new URL('../harness/server-process.mjs', import.meta.url);
  const path = new URL(`../contenders/grant/${module}.mjs`, import.meta.url).href;
  const child = await startChild(url, { module: path, options }, { core: measuredCore });
  return { ...child, url: `http://127.0.0.1:${child.ready.port}` };
}

/** Checks that the store accepts a file with the grant, and that two grants have two keys. */
async function checkContender({ url }, { name, body, requestOf }) {
  const ask = async () => {
    const response = await fetch(`${url}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${name} answered ${response.status}: ${text.slice(0, 300)}`);
    return JSON.parse(text);
  };
  const [first, second] = [await ask(), await ask()];
  const pathOf = (answer) => new URL(requestOf(answer).url).pathname;
  if (pathOf(first) === pathOf(second)) throw new Error(`${name} granted one key twice.`);
  const request = requestOf(first);
  const sent = Object.entries(request.headers).filter(([header]) => header !== 'content-length');
  const stored = await fetch(request.url, { method: request.method, headers: Object.fromEntries(sent), body: png });
  if (!stored.ok)
    throw new Error(`${name}: the store answered ${stored.status}: ${(await stored.text()).slice(0, 300)}`);
  await stored.arrayBuffer();
  return first;
}

/** The floor on node:http, which had the same load, stands for bare Node. */
async function rssOf(servers, all) {
  const rss = new Map();
  for (const { name } of all) rss.set(name, (await servers.get(name).ask('usage')).rss / MiB);
  const bare = rss.get('floor on node:http');
  const rows = all.map(({ name }) => ({
    contender: `${name}, RSS after the load`,
    value: rss.get(name),
    unit: 'MiB',
    ratio: rss.get(name) / bare,
  }));
  return { rows, above: rss.get('waybill on node:http') - bare };
}
