/**
 * The server's memory stays flat while clients upload 2 GiB, and the bytes that it receives do not grow with the files.
 * Both are measured in a separate process, from the build, and compared with a bare node:http server.
 */
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PresignedRequest, SingleGrant } from '../../src/protocol/index.ts';

const MiB = 1024 * 1024;
const block = randomBytes(MiB);

it('2 GiB of uploads leave the server within 40 MiB of bare Node, and large files send it no more than small ones', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-flat-'));
  const { createDevstore } = (await import(
    new URL('../../dist/devstore/index.js', import.meta.url).href
  )) as typeof import('../../src/devstore/index.ts');
  const credentials = { accessKeyId: 'flat', secretAccessKey: randomBytes(20).toString('hex') };
  const store = await createDevstore({ dir, credentials: [credentials], buckets: ['flat'] });
  const { url } = await store.listen({ port: 0 });
  const bare = await start();
  const server = await start(new URL(url).origin, 'flat', credentials.accessKeyId, credentials.secretAccessKey);
  try {
    // Each round makes the same calls and differs in bytes only. The first round is also the warm-up.
    const received: number[] = [];
    const rss: number[] = [];
    for (const size of [MiB, 2 * MiB, 256 * MiB]) {
      const before = (await server.ask()).received;
      for (let index = 0; index < 8; index++) await uploadOne(server.port, size);
      const after = await server.ask();
      received.push(after.received - before);
      rss.push(after.rss);
    }
    const floor = (await bare.ask()).rss;
    console.log(
      `server: received ${received.join(', ')} bytes for 8 files of 1, 2 and 256 MiB; ` +
        `RSS ${rss.map((bytes) => Math.round(bytes / MiB)).join(', ')} MiB, bare Node ${Math.round(floor / MiB)} MiB`,
    );
    const [small = 0, , large = 0] = received;
    expect(small).toBeGreaterThan(0);
    // The calls differ only in the digits of the sizes.
    expect(Math.abs(large - small)).toBeLessThan(8 * 200);
    expect(Math.max(...rss) - floor).toBeLessThanOrEqual(40 * MiB);
  } finally {
    await server.stop();
    await bare.stop();
    await store.close();
    await rm(dir, { recursive: true, force: true });
  }
});

async function start(...args: string[]) {
  const child = fork(new URL('./flat-server.mjs', import.meta.url), args, { execArgv: [] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    port,
    async ask() {
      child.send('report');
      const [report] = (await once(child, 'message')) as [{ rss: number; received: number }];
      return report;
    },
    async stop() {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}

async function uploadOne(port: number, size: number) {
  const digest = createHash('sha256');
  for (let sent = 0; sent < size; sent += MiB) digest.update(block);
  const checksum = { algorithm: 'sha256', value: digest.digest('base64') };
  const files = [{ fileName: 'film.bin', size, contentType: 'application/octet-stream', checksum }];
  const { uploads } = await post<{ uploads: SingleGrant[] }>(port, '/uploads', { route: 'files', files });
  const [upload] = uploads;
  if (!upload?.request) throw new Error(JSON.stringify(uploads));
  await put(upload.request, size);
  const { results } = await post<{ results: { file?: { size: number } }[] }>(port, '/uploads/complete', {
    grants: [upload.grant],
  });
  expect(results[0]?.file?.size).toBe(size);
}

async function post<T>(port: number, path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

async function put({ url, headers }: PresignedRequest, size: number) {
  const request = httpRequest(url, { method: 'PUT', headers, agent: false });
  const answered = once(request, 'response');
  for (let sent = 0; sent < size; sent += MiB) if (!request.write(block)) await once(request, 'drain');
  request.end();
  const [response] = (await answered) as [import('node:http').IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);
}
