/** The cost of an upload of 10,000 parts for the app's server. No part is sent: the store reports that it has them. */
import { createHash, randomBytes } from 'node:crypto';
import { startChild } from '../harness/child.mjs';
import { account, bucket } from '../harness/fixtures.mjs';
import { atMost } from '../harness/targets.mjs';
import { startBareStore } from '../harness/transfer.mjs';

const MiB = 2 ** 20;
const partBytes = 5 * MiB;

export async function measureServer({ rounds, quick, note }) {
  const count = quick ? 1000 : 10_000;
  const stops = [];
  try {
    const store = await startBareStore();
    stops.push(store.stop);
    const server = await startChild(new URL('../harness/server-process.mjs', import.meta.url), {
      module: new URL('./transfer/waybill-app.mjs', import.meta.url).href,
      options: { account, bucket, endpoint: store.endpoint, publics: [store.endpoint], hosts: 1, path: '' },
    });
    stops.push(server.stop);
    const uploads = `http://127.0.0.1:${server.ready.port}/uploads`;
    // The first run, which compiles and loads modules, is not counted.
    for (let round = 0; round < 3; round++) await uploadParts(uploads, store, count);
    const turns = [];
    for (let round = 0; round < rounds; round++) {
      const before = await server.ask('usage');
      await uploadParts(uploads, store, count);
      const after = await server.ask('usage');
      turns.push({ cpuSeconds: after.cpuSeconds - before.cpuSeconds, rss: after.rss });
      note(`${count} parts: ${turns.at(-1).cpuSeconds.toFixed(2)} s of CPU, ${Math.round(after.rss / MiB)} MiB`);
    }
    const cpuSeconds = Math.min(...turns.map((turn) => turn.cpuSeconds));
    const growth = turns.at(-1).rss - turns[0].rss;
    return {
      rows: [
        { contender: `server, ${count} parts: CPU`, value: cpuSeconds, unit: 's', ratio: 1 },
        {
          contender: `server, ${count} parts: RSS after the last`,
          value: turns.at(-1).rss / MiB,
          unit: 'MiB',
          ratio: turns.at(-1).rss / turns[0].rss,
        },
      ],
      targets: [
        atMost(`server: CPU for ${count} parts, s`, 0.3, cpuSeconds),
        atMost('server: RSS growth from the first upload to the last, MiB', 16, growth / MiB),
      ],
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function uploadParts(uploads, store, count) {
  const sha256 = randomBytes(32);
  const checksum = { algorithm: 'sha256', value: sha256.toString('base64') };
  const size = count * partBytes;
  await store.ask({ what: 'reset' });
  const file = { fileName: 'scan.bin', size, contentType: 'application/octet-stream', partSize: partBytes };
  const granted = await post(uploads, { route: 'files', files: [file], transfers: ['multipart'] });
  const { grant, transfer } = granted.uploads[0];
  if (transfer !== 'multipart') throw new Error(`the server grants ${transfer ?? JSON.stringify(granted)}`);
  // A client requests the signatures of a few parts at a time.
  const window = 24;
  for (let first = 1; first <= count; first += window) {
    const numbers = Array.from({ length: Math.min(window, count - first + 1) }, (_, index) => first + index);
    const parts = numbers.map((partNumber) => ({ partNumber, size: partBytes, checksum }));
    const signed = await post(`${uploads}/parts`, { grant, parts });
    if (!signed.parts.every(({ request }) => request?.url.includes('X-Amz-Signature'))) throw new Error('not signed');
  }
  await store.ask({ what: 'fill', count, size: partBytes, sha256: checksum.value });
  const composite = createHash('sha256');
  for (let n = 0; n < count; n++) composite.update(sha256);
  const said = { grant, checksum: { algorithm: 'sha256', value: composite.digest('base64') } };
  const until = performance.now() + 60_000;
  for (;;) {
    const { results } = await post(`${uploads}/complete`, { grants: [said] });
    if (results[0].file?.size === size) return;
    if (!results[0].completing || performance.now() > until)
      throw new Error(`not completed: ${JSON.stringify(results[0])}`);
    await new Promise((resolve) => setTimeout(resolve, results[0].retryAfterSeconds * 1000));
  }
}

async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}
