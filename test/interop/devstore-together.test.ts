/** Concurrent requests, flat memory, injected faults and reports of requests. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPortInUse, type RequestReport } from '../../src/devstore/index.ts';
import { credentials, sign, startStore, type TestStore } from './devstore-signer.ts';

let store: TestStore;
const reports: RequestReport[] = [];
beforeAll(async () => {
  store = await startStore({ onRequest: (report) => reports.push(report), random: () => 0.5 });
});
afterAll(() => store.end());

describe('concurrent requests: the store', () => {
  it('lets one of 16 writers of the same new key win', async () => {
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, at) =>
          store.send('PUT', `/photos/race${round}`, { body: String(at), headers: { 'if-none-match': '*' } }),
        ),
      );
      const winner = answers.findIndex(({ status }) => status === 200);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 412)).toHaveLength(15);
      expect((await store.send('GET', `/photos/race${round}`)).body.toString()).toBe(String(winner));
    }
  });

  it('lets one of 8 overwriters with the same ETag win', async () => {
    const { headers } = await store.send('PUT', '/photos/swap', { body: 'first' });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        store.send('PUT', '/photos/swap', { body: `next ${at}`, headers: { 'if-match': headers.etag ?? '' } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
  });

  it('gives readers one object or the other, never a mixture', async () => {
    const bodies = ['a', 'b'].map((letter) => Buffer.alloc(2_000_000, letter));
    await store.send('PUT', '/photos/mix', { body: bodies[0] as Buffer });
    const writes = Array.from({ length: 10 }, (_, at) =>
      store.send('PUT', '/photos/mix', { body: bodies[at % 2] as Buffer }),
    );
    const reads = await Promise.all(Array.from({ length: 20 }, () => store.send('GET', '/photos/mix')));
    await Promise.all(writes);
    for (const { body } of reads) expect(bodies.some((candidate) => candidate.equals(body))).toBe(true);
  });

  it('lists only existing objects during writes and deletes', async () => {
    const keys = Array.from({ length: 60 }, (_, at) => `w/${String(at).padStart(3, '0')}`);
    const changes = keys.map(async (key, at) => {
      await store.send('PUT', `/photos/${key}`, { body: key });
      if (at % 2) await store.send('DELETE', `/photos/${key}`);
    });
    const listings = Promise.all(
      Array.from({ length: 20 }, () => store.send('GET', '/photos', { query: 'list-type=2&prefix=w%2F' })),
    );
    for (const { body } of await listings) {
      const listed = [...body.toString().matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key);
      expect(listed).toEqual([...listed].sort());
      expect(new Set(listed).size).toBe(listed.length);
    }
    await Promise.all(changes);
    const final = (await store.send('GET', '/photos', { query: 'list-type=2&prefix=w%2F' })).body.toString();
    expect([...final.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key)).toEqual(
      keys.filter((_, at) => at % 2 === 0),
    );
  });

  it('copies one version of a source that is being overwritten, and answers with its ETag', async () => {
    const bodies = ['a', 'b'].map((letter) => Buffer.alloc(400_000, letter));
    const etags = bodies.map((body) => `"${createHash('md5').update(body).digest('hex')}"`);
    await store.send('PUT', '/photos/changing', { body: bodies[0] as Buffer });
    let copying = true;
    const overwriting = (async () => {
      for (let at = 1; copying; at += 1)
        await store.send('PUT', '/photos/changing', { body: bodies[at % 2] as Buffer });
    })();
    const source = { headers: { 'x-amz-copy-source': '/photos/changing' } };
    for (let round = 0; round < 10; round += 1) {
      const names = Array.from({ length: 6 }, (_, at) => `/photos/taken${at}`);
      const copies = await Promise.all(names.map((name) => store.send('PUT', name, source)));
      expect(copies.map(({ status }) => status)).toEqual(names.map(() => 200));
      for (const name of names) {
        const { body, headers } = await store.send('GET', name);
        expect(headers.etag).toBe(etags[bodies.findIndex((candidate) => candidate.equals(body))]);
      }
    }
    copying = false;
    await overwriting;
  });

  it('keeps nothing of a body that was refused or interrupted', async () => {
    await store.send('PUT', '/photos/bad', { body: 'x', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } });
    const { host, hostname, port } = new URL(store.url);
    const headers = sign('PUT', host, '/photos/cut', { payload: 'UNSIGNED-PAYLOAD' });
    const sending = request({
      hostname,
      port,
      method: 'PUT',
      path: '/photos/cut',
      headers: { ...headers, 'content-length': '1000000' },
    });
    sending.on('error', () => {});
    const before = reports.length;
    await new Promise<void>((resolve) => sending.write(randomBytes(500_000), () => resolve()));
    sending.destroy();
    while (!reports.slice(before).some(({ key }) => key === 'cut'))
      await new Promise((resolve) => setImmediate(resolve));
    expect((await store.send('GET', '/photos/cut')).status).toBe(404);
    expect(await readdir(join(store.directory, 'tmp'))).toEqual([]);
  });

  it('answers NoSuchBucket when the bucket was deleted while a body arrived', async () => {
    await store.send('PUT', '/fleeting');
    const { host, hostname, port } = new URL(store.url);
    const headers = sign('PUT', host, '/fleeting/k', { payload: 'UNSIGNED-PAYLOAD' });
    for (const recreate of [false, true]) {
      const answered = new Promise<number | undefined>((resolve, reject) => {
        const sending = request(
          { hostname, port, method: 'PUT', path: '/fleeting/k', headers: { ...headers, 'content-length': '2' } },
          (answer) => answer.resume().on('end', () => resolve(answer.statusCode)),
        );
        sending.on('error', reject);
        sending.write('a', async () => {
          // The bucket is deleted once the store has begun to read the body.
          while ((await store.send('GET', '/fleeting')).status !== 200);
          await store.send('DELETE', '/fleeting');
          if (recreate) await store.send('PUT', '/fleeting');
          sending.end('b');
        });
      });
      expect(await answered).toBe(404);
      await store.send('PUT', '/fleeting');
      expect((await store.send('GET', '/fleeting/k')).status).toBe(404);
    }
  });
});

describe('memory', () => {
  it('does not grow with the size of the bodies', async () => {
    const block = randomBytes(1024 * 1024);
    const size = 256 * block.length;
    const { host, hostname, port } = new URL(store.url);
    const headers = sign('PUT', host, '/photos/large', { payload: 'UNSIGNED-PAYLOAD' });
    let most = 0;
    const look = () => {
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      most = Math.max(most, arrayBuffers + heapUsed);
    };
    look();
    const start = most;
    const status = await new Promise((resolve, reject) => {
      const sending = request({
        hostname,
        port,
        method: 'PUT',
        path: '/photos/large',
        headers: { ...headers, 'content-length': String(size) },
      });
      sending
        .on('error', reject)
        .on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode)));
      let left = 256;
      const next = () => {
        look();
        if (left === 0) return void sending.end();
        left -= 1;
        if (sending.write(block)) setImmediate(next);
        else sending.once('drain', next);
      };
      next();
    });
    expect(status).toBe(200);
    const digest = createHash('md5');
    for (let at = 0; at < 256; at += 1) digest.update(block);
    const md5 = digest.digest('hex');
    const got = await new Promise<string>((resolve, reject) => {
      const hash = createHash('md5');
      const reading = request(
        { hostname, port, path: '/photos/large', headers: sign('GET', host, '/photos/large', {}) },
        (answer) => {
          answer.on('data', (data: Buffer) => {
            hash.update(data);
            look();
          });
          answer.on('end', () => resolve(hash.digest('hex')));
        },
      );
      reading.on('error', reject).end();
    });
    expect(got).toBe(md5);
    // Sender, store and reader are in this process, and 256 MiB passed through it twice.
    expect((most - start) / 1024 / 1024).toBeLessThan(96);
  });
});

describe('with injected faults', () => {
  afterAll(() => store.store.setFaults(undefined));

  it('answers SlowDown with Retry-After to the requests that the predicate selects', async () => {
    store.store.setFaults({ when: ({ method }) => method === 'PUT', slowDown: { retryAfterSeconds: 2 } });
    const refused = await store.send('PUT', '/photos/slow', { body: 'x' });
    expect(refused).toMatchObject({ status: 503, code: 'SlowDown' });
    expect(refused.headers['retry-after']).toBe('2');
    expect((await store.send('GET', '/photos/slow')).status).toBe(404);
  });

  it('breaks connections before and after it handles a request', async () => {
    store.store.setFaults({ dropRequestAfterBytes: 100 });
    await expect(store.send('PUT', '/photos/dropped', { body: randomBytes(100_000) })).rejects.toThrow();
    store.store.setFaults({ dropResponseAfterBytes: 0 });
    await expect(store.send('PUT', '/photos/lost', { body: 'x' })).rejects.toThrow();
    store.store.setFaults(undefined);
    expect((await store.send('GET', '/photos/dropped')).status).toBe(404);
    expect((await store.send('GET', '/photos/lost')).body.toString()).toBe('x');
  });

  it('truncates and corrupts bodies, expires credentials and shifts the clock', async () => {
    await store.send('PUT', '/photos/w', { body: 'hello' });
    store.store.setFaults({ truncateResponseTo: 2 });
    expect((await store.send('GET', '/photos/w')).body.toString()).toBe('he');
    store.store.setFaults({ corruptResponse: true });
    expect((await store.send('GET', '/photos/w')).body.toString()).toBe('hemlo');
    store.store.setFaults({ expire: true });
    expect(await store.send('GET', '/photos/w')).toMatchObject({ status: 403, code: 'RequestTimeTooSkewed' });
    store.store.setFaults({ clockSkewSeconds: 3600 });
    const skewed = await store.send('GET', '/photos/w');
    expect(skewed.code).toBe('RequestTimeTooSkewed');
    const theirs = Date.parse(skewed.headers.date ?? '');
    expect(theirs - Date.now()).toBeGreaterThan(3_500_000);
    expect((await store.send('GET', '/photos/w', { at: theirs })).status).toBe(200);
  });
});

describe('the store', () => {
  it('reports each request without its secrets', async () => {
    reports.length = 0;
    await store.send('PUT', '/photos/told', { body: 'four' });
    await store.send('GET', '/photos/told', { query: 'response-content-type=text%2Fplain' });
    await store.send('GET', '/photos/untold');
    expect(reports).toMatchObject([
      { method: 'PUT', bucket: 'photos', key: 'told', status: 200, bytesIn: 4, bytesOut: 0 },
      { method: 'GET', bucket: 'photos', key: 'told', status: 200, bytesIn: 0, bytesOut: 4 },
      { method: 'GET', bucket: 'photos', key: 'untold', status: 404, code: 'NoSuchKey' },
    ]);
    expect(JSON.stringify(reports)).not.toMatch(/response-content-type|Signature|AKWAYBILL/);
  });

  it('names the port that is in use', async () => {
    const port = Number(new URL(store.url).port);
    const other = await import('../../src/devstore/index.ts').then(({ createDevstore }) =>
      createDevstore({ dir: join(store.directory, 'other'), credentials: [credentials] }),
    );
    const failure = await other.listen({ port }).catch((error: unknown) => error);
    expect(isPortInUse(failure)).toBe(true);
    expect(failure).toMatchObject({ port });
  });
});
