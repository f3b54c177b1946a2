/** `waybill up` and curl send the same file in the same parts with the same checksums, six parts at a time. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment, startChild } from '../harness/child.mjs';
import { account, bucket } from '../harness/fixtures.mjs';
import { median } from '../harness/rounds.mjs';
import { createSamples } from '../harness/samples.mjs';
import { startStore } from '../harness/store.mjs';
import { atLeast, atMost } from '../harness/targets.mjs';
import { importPeer } from '../peers/import.mjs';

const [MiB, GiB] = [2 ** 20, 2 ** 30];
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const timeoutMs = 300_000;

export async function measureNodeClient({ rounds, quick, note }) {
  const size = quick ? 128 * MiB : 4 * GiB;
  const small = quick ? 64 * MiB : 512 * MiB;
  const stops = [];
  try {
    const samples = await createSamples();
    stops.push(samples.stop);
    const file = await samples.large(size, { sparse: true });
    const smallFile = await samples.large(small, { sparse: true });
    const seconds = { up: [], curl: [] };
    const rss = { large: [], small: [] };
    for (let round = 0; round < rounds; round++) {
      // Each contender gets a new store, and they take turns, because files on the disk slow the next run.
      const byUp = () => withStore((environment) => uploadByCli(environment, file, samples.dir));
      const byCurl = () =>
        withStore((environment) => uploadByCurl(environment, { size, partBytes: 16 * MiB, dir: samples.dir }));
      const first = round % 2 ? null : await byCurl();
      const up = await byUp();
      const curl = first ?? (await byCurl());
      const less = await withStore((environment) => uploadByCli(environment, smallFile, samples.dir));
      note(
        `up ${up.seconds.toFixed(1)} s, ${Math.round(up.peakRss / MiB)} MiB (${Math.round(less.peakRss / MiB)} for ${small / MiB} MiB); curl ${curl.toFixed(1)} s`,
      );
      seconds.up.push(up.seconds);
      seconds.curl.push(curl);
      rss.large.push(up.peakRss / MiB);
      rss.small.push(less.peakRss / MiB);
    }
    const speed = median(seconds.up.map((time, round) => seconds.curl[round] / time));
    const [large, least] = [median(rss.large), median(rss.small)];
    const rate = (times) => size / 1e6 / median(times);
    return {
      rows: [
        { contender: `floor: curl, ${size / MiB} MiB`, value: rate(seconds.curl), unit: 'MB/s', ratio: 1 },
        { contender: `waybill up, ${size / MiB} MiB`, value: rate(seconds.up), unit: 'MB/s', ratio: speed },
        { contender: `waybill up, ${small / MiB} MiB: peak RSS`, value: least, unit: 'MiB', ratio: 1 },
        { contender: `waybill up, ${size / MiB} MiB: peak RSS`, value: large, unit: 'MiB', ratio: large / least },
      ],
      targets: [
        atLeast('waybill up / curl', 0.8, speed),
        atMost('waybill up: peak RSS for the large file / for the small', 1.2, large / least),
      ],
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function withStore(work) {
  const store = await startStore();
  try {
    const app = await startChild(new URL('../harness/server-process.mjs', import.meta.url), {
      module: new URL('./transfer/waybill-app.mjs', import.meta.url).href,
      options: { account, bucket, endpoint: store.endpoint, publics: [store.endpoint], hosts: 1, path: '' },
    });
    try {
      return await work({ endpoint: store.endpoint, uploads: `http://127.0.0.1:${app.ready.port}/uploads` });
    } finally {
      await app.stop();
    }
  } finally {
    await store.stop();
  }
}

async function uploadByCli({ uploads }, file, dir) {
  const home = join(dir, 'home');
  await mkdir(home, { recursive: true });
  const start = performance.now();
  const child = spawn(process.execPath, [cli, 'up', file, '--to', uploads, '--route', 'files', '--json'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...childEnvironment, HOME: home, XDG_STATE_HOME: join(home, 'state'), XDG_CACHE_HOME: join(home, 'cache') },
  });
  let peakRss = 0;
  const sample = setInterval(() => {
    peakRss = Math.max(peakRss, residentBytes(child.pid));
  }, 100);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [code] = await once(child, 'exit');
  clearInterval(sample);
  clearTimeout(timer);
  if (code !== 0) throw new Error(`waybill up ended with ${code}`);
  return { seconds: (performance.now() - start) / 1000, peakRss };
}

/** The peak of memory that the system reports; 0 where it reports none, and after the process has ended. */
function residentBytes(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** curl sends whole files, so each part is a sparse file. */
async function uploadByCurl({ endpoint }, { size, partBytes, dir }) {
  const sdk = await importPeer('@aws-sdk/client-s3');
  const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
  const client = new sdk.S3Client({
    endpoint,
    region: account.region,
    credentials: account,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const part = join(dir, `part-${partBytes}`);
  const handle = await open(part, 'w');
  await handle.truncate(partBytes);
  await handle.close();
  const sha256 = createHash('sha256').update(Buffer.alloc(partBytes)).digest('base64');

  const start = performance.now();
  const target = { Bucket: bucket, Key: 'curl/file.bin' };
  const { UploadId } = await client.send(
    new sdk.CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' }),
  );
  const lines = [];
  for (let at = 0; at < size; at += partBytes) {
    const command = new sdk.UploadPartCommand({
      ...target,
      UploadId,
      PartNumber: lines.length + 1,
      ChecksumSHA256: sha256,
    });
    const url = await getSignedUrl(client, command, {
      unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
      signableHeaders: new Set(['host', 'x-amz-checksum-sha256']),
    });
    lines.push(`upload-file = "${part}"\nurl = "${url}"\noutput = "/dev/null"`);
  }
  const config = join(dir, 'curl.conf');
  await writeFile(config, lines.join('\n'));
  await runCurl(['--config', config, '--header', `x-amz-checksum-sha256: ${sha256}`, '--header', 'expect:']);
  const { Parts: parts = [] } = await client.send(new sdk.ListPartsCommand({ ...target, UploadId }));
  const numbers = lines.map((_, index) => index + 1);
  const etag = parts[0]?.ETag;
  if (parts.length < Math.min(1000, lines.length)) throw new Error(`curl: only ${parts.length} parts arrived`);
  const Parts = numbers.map((PartNumber) => ({ PartNumber, ETag: etag, ChecksumSHA256: sha256 }));
  await client.send(new sdk.CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
  return (performance.now() - start) / 1000;
}

async function runCurl(args) {
  const quiet = [
    '--silent',
    '--show-error',
    '--no-progress-meter',
    '--fail',
    '--parallel',
    '--parallel-max',
    '6',
    '--parallel-immediate',
  ];
  const child = spawn('curl', [...quiet, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`curl ended with ${code}`);
}
