/** After SIGKILL during many writes, acknowledged writes are complete, and others are complete or absent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, credentials, sign, startStore, transmit } from './devstore-signer.ts';

let directory: string;
let script: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'waybill-crash-'));
  script = join(directory, 'serve.mjs');
  // The process is bundled from the sources, because tests must not need a build.
  await build({
    stdin: {
      contents: `
        import { createDevstore } from './src/devstore/index.ts';
        const store = await createDevstore({ dir: process.argv[2], buckets: ['photos'], credentials: [${JSON.stringify(credentials)}] });
        console.log((await store.listen()).url);`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    logLevel: 'error',
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function spawnStore(data: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [script, data], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('The child has no output.');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, url: line.toString().trim() };
}

function send(
  url: string,
  method: string,
  path: string,
  body: Buffer | string = '',
  query = '',
  more: Record<string, string> = {},
): Promise<Answer> {
  const headers = sign(method, new URL(url).host, path, { body, query, headers: more });
  const length = /^P/.test(method) ? { 'content-length': String(body.length) } : {};
  return transmit(url, method, query ? `${path}?${query}` : path, { ...headers, ...length }, body);
}

describe('SIGKILL', () => {
  it('leaves no partial object, no partial overwrite and no temporary file', async () => {
    const data = join(directory, 'data');
    const { child, url } = await spawnStore(data);
    const acknowledged = new Map<string, string>();
    const sent = new Map<string, string[]>();
    let running = true;
    const writer = async (name: number) => {
      for (let round = 0; running; round += 1) {
        const key = `k${name}-${round % 5}`;
        const body = randomBytes(200_000 + (round % 7) * 50_000);
        const sum = createHash('sha256').update(body).digest('hex');
        sent.set(key, [...(sent.get(key) ?? []), sum]);
        try {
          if ((await send(url, 'PUT', `/photos/${key}`, body)).status === 200) acknowledged.set(key, sum);
        } catch {
          return;
        }
      }
    };
    const writers = [0, 1, 2, 3, 4, 5].map(writer);
    while (acknowledged.size < 20) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await once(child, 'exit');
    running = false;
    await Promise.all(writers);
    await writeFile(join(data, 'tmp', 'left-over'), 'half of something');

    const again = await startStore({ dir: data });
    try {
      const listed = (await again.send('GET', '/photos', { query: 'list-type=2' })).body.toString();
      const keys = [...listed.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key ?? '');
      expect(keys.length).toBeGreaterThanOrEqual(acknowledged.size);
      for (const key of keys) {
        const { status, body, headers } = await again.send('GET', `/photos/${key}`);
        expect(status).toBe(200);
        expect(headers.etag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
        const sum = createHash('sha256').update(body).digest('hex');
        const all = sent.get(key) ?? [];
        expect(all).toContain(sum);
        // The content is at least as new as the last acknowledged write.
        expect(all.indexOf(sum)).toBeGreaterThanOrEqual(all.indexOf(acknowledged.get(key) ?? sum));
      }
      for (const key of acknowledged.keys()) expect(keys).toContain(key);
      expect(await readdir(join(data, 'tmp'))).toEqual([]);
    } finally {
      await again.end();
    }
  });

  it('keeps an unfinished multipart upload, which can then be completed', async () => {
    const data = join(directory, 'parts');
    const first = await spawnStore(data);
    const created = await send(first.url, 'POST', '/photos/mp', '', 'uploads=');
    const id = /<UploadId>(\w+)</.exec(created.body.toString())?.[1] ?? '';
    const body = randomBytes(100_000);
    const part = await send(first.url, 'PUT', '/photos/mp', body, `partNumber=1&uploadId=${id}`);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = await spawnStore(data);
    const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
    expect((await send(second.url, 'POST', '/photos/mp', list, `uploadId=${id}`)).status).toBe(200);
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');
    const third = await startStore({ dir: data });
    try {
      expect((await third.send('GET', '/photos/mp')).body.equals(body)).toBe(true);
      const uploads = join(data, 'buckets', 'photos', 'uploads');
      expect(await readdir(uploads)).toHaveLength(1);
      await third.send('DELETE', '/photos/mp');
      expect(await readdir(uploads)).toEqual([]);
    } finally {
      await third.end();
    }
  });

  it('during completions, copies and aborts leaves every object complete, and no bytes without an object', async () => {
    const data = join(directory, 'links');
    const { child, url } = await spawnStore(data);
    const body = randomBytes(600_000);
    const acknowledged = new Set<string>();
    let running = true;
    const worker = async (name: number) => {
      try {
        for (let round = 0; running; round += 1) {
          const key = `w${name}-${round % 3}`;
          const begin = async () =>
            /<UploadId>(\w+)</.exec((await send(url, 'POST', `/photos/${key}`, '', 'uploads=')).body.toString())?.[1] ??
            '';
          const id = await begin();
          const part = await send(url, 'PUT', `/photos/${key}`, body, `partNumber=1&uploadId=${id}`);
          const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
          if ((await send(url, 'POST', `/photos/${key}`, list, `uploadId=${id}`)).status === 200) acknowledged.add(key);
          const copied = await send(url, 'PUT', `/photos/${key}-copy`, '', '', {
            'x-amz-copy-source': `/photos/${key}`,
          });
          if (copied.status === 200) acknowledged.add(`${key}-copy`);
          const aborted = await begin();
          await send(url, 'DELETE', `/photos/${key}`, '', `uploadId=${aborted}`);
        }
      } catch {
        // The store was killed.
      }
    };
    const workers = [0, 1, 2, 3].map(worker);
    while (acknowledged.size < 16) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await once(child, 'exit');
    running = false;
    await Promise.all(workers);

    const again = await startStore({ dir: data });
    try {
      const keys = [
        ...(await again.send('GET', '/photos', { query: 'list-type=2' })).body
          .toString()
          .matchAll(/<Key>(.*?)<\/Key>/g),
      ].map(([, key]) => key ?? '');
      expect(keys).toEqual(expect.arrayContaining([...acknowledged]));
      for (const key of keys) expect((await again.send('GET', `/photos/${key}`)).body.equals(body), key).toBe(true);
      const pending = (await again.send('GET', '/photos', { query: 'uploads=' })).body.toString();
      const uploads = [...pending.matchAll(/<Key>(.*?)<\/Key><UploadId>(\w+)</g)];
      const folders = await readdir(join(data, 'buckets', 'photos', 'uploads'));
      expect(folders).toHaveLength(keys.length + uploads.length);
      for (const [, key, id] of uploads) await again.send('DELETE', `/photos/${key}`, { query: `uploadId=${id}` });
      for (const key of keys) await again.send('DELETE', `/photos/${key}`);
      expect(await readdir(join(data, 'buckets', 'photos', 'uploads'))).toEqual([]);
    } finally {
      await again.end();
    }
  });
});
