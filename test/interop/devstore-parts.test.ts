/** Multipart uploads by the rules of AWS: what is refused, what listings answer, and what is stored on the disk. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, sha256, startStore, type TestStore } from './devstore-signer.ts';

const MiB = 1024 * 1024;
const hex = (data: string | Buffer) => createHash('md5').update(data).digest('hex');
const sha = (data: string | Buffer) => createHash('sha256').update(data).digest('base64');
const crc = (data: Buffer) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(data));
  return bytes.toString('base64');
};
const all = (answer: Answer, element: string) =>
  [...answer.body.toString().matchAll(new RegExp(`<${element}>(.*?)</${element}>`, 'g'))].map(([, text = '']) => text);
const one = (answer: Answer, element: string) => all(answer, element)[0];

let store: TestStore;
beforeAll(async () => {
  store = await startStore();
});
afterAll(() => store.end());

interface Upload {
  path: string;
  id: string;
  part(number: number, body: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
  complete(
    parts: readonly [number: number, etag: string, more?: string][],
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

async function begin(path: string, headers: Record<string, string> = {}): Promise<Upload> {
  const created = await store.send('POST', path, { query: 'uploads=', headers });
  const id = one(created, 'UploadId') ?? '';
  expect(id).toMatch(/^\w{20,}$/);
  return {
    path,
    id,
    part: (number, body, more = {}) =>
      store.send('PUT', path, { query: `partNumber=${number}&uploadId=${id}`, body, headers: more }),
    complete: (parts, more = {}) =>
      store.send('POST', path, {
        query: `uploadId=${id}`,
        headers: more,
        body: `<CompleteMultipartUpload>${parts
          .map(
            ([number, etag, rest = '']) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${rest}</Part>`,
          )
          .join('')}</CompleteMultipartUpload>`,
      }),
  };
}

/** Bytes on the disk of the store's files; each inode counts once. */
async function diskBytes(): Promise<number> {
  const seen = new Map<number, number>();
  for (const entry of await readdir(store.directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { ino, size } = await stat(join(entry.parentPath, entry.name));
    seen.set(ino, size);
  }
  return [...seen.values()].reduce((sum, size) => sum + size, 0);
}

const big = randomBytes(5 * MiB);
const small = Buffer.from('the last part may be small');

describe('the store refuses', () => {
  let upload: Upload;
  const etags = { 1: `"${hex(big)}"`, 2: `"${hex(small)}"`, 3: `"${hex('tiny')}"` };
  beforeAll(async () => {
    upload = await begin('/photos/refusals');
    await upload.part(1, big);
    await upload.part(2, small);
    await upload.part(3, 'tiny');
  });
  const status = ({ status, code }: Answer) => [status, code];

  it.each([
    ['part 0', '0', 400, 'InvalidArgument'],
    ['part 10,001', '10001', 400, 'InvalidArgument'],
    ['a part that is no number', 'first', 400, 'InvalidArgument'],
  ] as const)('%s', async (_, number, ...expected) => {
    const query = `partNumber=${number}&uploadId=${upload.id}`;
    expect(status(await store.send('PUT', upload.path, { query, body: 'a' }))).toEqual(expected);
  });

  it('parts of an unknown upload, or of one with another key', async () => {
    const nowhere = { query: `partNumber=1&uploadId=${'0'.repeat(64)}`, body: 'a' };
    expect(status(await store.send('PUT', upload.path, nowhere))).toEqual([404, 'NoSuchUpload']);
    const elsewhere = { query: `partNumber=1&uploadId=${upload.id}`, body: 'a' };
    expect(status(await store.send('PUT', '/photos/another', elsewhere))).toEqual([404, 'NoSuchUpload']);
    for (const id of ['../../objects', '.', ''])
      expect(status(await store.send('GET', upload.path, { query: `uploadId=${encodeURIComponent(id)}` }))).toEqual([
        404,
        'NoSuchUpload',
      ]);
  });

  it('parts whose bytes do not match their checksum', async () => {
    const wrong = { 'x-amz-checksum-sha256': sha('other bytes') };
    expect(status(await upload.part(4, 'these bytes', wrong))).toEqual([400, 'BadDigest']);
    const md5 = { 'content-md5': createHash('md5').update('other bytes').digest('base64') };
    expect(status(await upload.part(4, 'these bytes', md5))).toEqual([400, 'BadDigest']);
    const listed = await store.send('GET', upload.path, { query: `uploadId=${upload.id}` });
    expect(all(listed, 'PartNumber')).toEqual(['1', '2', '3']);
  });

  it('parts with another checksum algorithm than their upload', async () => {
    const other = await begin('/photos/typed', { 'x-amz-checksum-algorithm': 'SHA256' });
    const refused = await other.part(1, 'a', { 'x-amz-checksum-crc32': crc(Buffer.from('a')) });
    expect(status(refused)).toEqual([400, 'InvalidRequest']);
    await other.part(1, 'a', { 'x-amz-checksum-sha256': sha('a') });
    expect(status(await other.complete([[1, hex('a')]]))).toEqual([400, 'InvalidRequest']);
    const lie = `<ChecksumSHA256>${sha('b')}</ChecksumSHA256>`;
    expect(status(await other.complete([[1, hex('a'), lie]]))).toEqual([400, 'InvalidPart']);
  });

  it.each<[string, [number, string][], Record<string, string>, string]>([
    [
      'parts in the wrong order',
      [
        [2, etags[2]],
        [1, etags[1]],
      ],
      {},
      'InvalidPartOrder',
    ],
    [
      'a part twice',
      [
        [1, etags[1]],
        [1, etags[1]],
      ],
      {},
      'InvalidPartOrder',
    ],
    [
      'a part that was never sent',
      [
        [1, etags[1]],
        [4, etags[2]],
      ],
      {},
      'InvalidPart',
    ],
    ['another ETag', [[1, etags[2]]], {}, 'InvalidPart'],
    [
      'a small part before the last',
      [
        [1, etags[1]],
        [2, etags[2]],
        [3, etags[3]],
      ],
      {},
      'EntityTooSmall',
    ],
    ['another sum of sizes', [[1, etags[1]]], { 'x-amz-mp-object-size': String(big.length + 1) }, 'InvalidRequest'],
    ['a size that is none', [[1, etags[1]]], { 'x-amz-mp-object-size': 'large' }, 'InvalidRequest'],
    ['another checksum type', [[1, etags[1]]], { 'x-amz-checksum-type': 'COMPOSITE' }, 'InvalidRequest'],
    ['no parts', [], {}, 'MalformedXML'],
  ])('completion with %s', async (_, parts, headers, code) => {
    expect(status(await upload.complete(parts, headers))).toEqual([400, code]);
    expect((await store.send('GET', upload.path)).status).toBe(404);
  });

  it('more than 10,000 parts', async () => {
    const parts = Array.from({ length: 10_001 }, (_, index): [number, string] => [index + 1, etags[1]]);
    expect(status(await upload.complete(parts))).toEqual([400, 'MalformedXML']);
  });

  it('completion with ConditionalRequestConflict after the key was written and deleted, and the parts must be sent again', async () => {
    const other = await begin('/photos/disturbed');
    await other.part(1, 'a');
    await store.send('PUT', other.path, { body: 'came' });
    await store.send('DELETE', other.path);
    const once = { 'if-none-match': '*' };
    expect(status(await other.complete([[1, hex('a')]], once))).toEqual([409, 'ConditionalRequestConflict']);
    expect((await store.send('GET', other.path)).status).toBe(404);
  });

  it('completion over an existing object, and keeps the parts', async () => {
    await store.send('PUT', upload.path, { body: 'came first' });
    const parts: [number, string][] = [
      [1, etags[1]],
      [2, etags[2]],
    ];
    expect(status(await upload.complete(parts, { 'if-none-match': '*' }))).toEqual([412, 'PreconditionFailed']);
    expect((await store.send('GET', upload.path)).body.toString()).toBe('came first');
    expect((await upload.complete(parts)).status).toBe(200);
    expect((await store.send('GET', upload.path)).body.equals(Buffer.concat([big, small]))).toBe(true);
    expect(status(await upload.part(1, big))).toEqual([404, 'NoSuchUpload']);
  });
});

describe('the store answers', () => {
  it('with one ETag for all parts, and equally to a repeated completion', async () => {
    const upload = await begin('/photos/told', { 'x-amz-checksum-algorithm': 'SHA256' });
    const [a, b] = [big, small].map((body) => ({ body, value: sha(body) }));
    if (!a || !b) throw new Error('two parts');
    for (const [index, { body, value }] of [a, b].entries()) {
      const { headers } = await upload.part(index + 1, body, { 'x-amz-checksum-sha256': value });
      expect(headers.etag).toBe(`"${hex(body)}"`);
      expect(headers['x-amz-checksum-sha256']).toBe(value);
    }
    const parts = [a, b].map(({ body, value }, index): [number, string, string] => [
      index + 1,
      hex(body),
      `<ChecksumSHA256>${value}</ChecksumSHA256>`,
    ]);
    const done = await upload.complete(parts, {
      'if-none-match': '*',
      'x-amz-mp-object-size': String(big.length + small.length),
    });
    const etag = `${hex(Buffer.from(hex(big) + hex(small), 'hex'))}-2`;
    expect(one(done, 'ETag')).toContain(etag);
    const composite = `${sha(Buffer.from(sha256(big) + sha256(small), 'hex'))}-2`;
    expect(one(done, 'ChecksumSHA256')).toBe(composite);
    const again = await upload.complete(parts);
    expect([again.status, one(again, 'ETag')]).toEqual([200, one(done, 'ETag')]);
    expect((await upload.complete(parts.slice(0, 1))).code).toBe('NoSuchUpload');

    const head = await store.send('HEAD', '/photos/told', { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
    expect(head.headers).toMatchObject({
      etag: `"${etag}"`,
      'x-amz-checksum-sha256': composite,
      'x-amz-checksum-type': 'COMPOSITE',
    });
    const second = await store.send('GET', '/photos/told', { query: 'partNumber=2' });
    expect([second.status, second.body.toString(), second.headers['x-amz-mp-parts-count']]).toEqual([
      206,
      small.toString(),
      '2',
    ]);
    const range = await store.send('GET', '/photos/told', {
      headers: { range: `bytes=${big.length - 2}-${big.length + 1}` },
    });
    expect(range.body.equals(Buffer.concat([big.subarray(-2), small.subarray(0, 2)]))).toBe(true);
    const third = await store.send('GET', '/photos/told', { query: 'partNumber=3' });
    expect([third.status, third.code]).toEqual([416, 'InvalidPartNumber']);
    const attributes = await store.send('GET', '/photos/told', {
      query: 'attributes=',
      headers: { 'x-amz-object-attributes': 'ETag,ObjectParts,ObjectSize', 'x-amz-max-parts': '1' },
    });
    expect([one(attributes, 'PartsCount'), all(attributes, 'Size'), one(attributes, 'IsTruncated')]).toEqual([
      '2',
      [String(big.length)],
      'true',
    ]);

    await store.send('DELETE', '/photos/told');
    expect((await upload.complete(parts)).code).toBe('NoSuchUpload');
  });

  it('with the CRC of the whole, computed from those of the parts', async () => {
    const upload = await begin('/photos/crc', {
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-type': 'FULL_OBJECT',
    });
    for (const [index, body] of [big, small].entries())
      await upload.part(index + 1, body, { 'x-amz-checksum-crc32': crc(body) });
    const parts: [number, string][] = [
      [1, hex(big)],
      [2, hex(small)],
    ];
    const whole = crc(Buffer.concat([big, small]));
    const typed = { 'x-amz-checksum-type': 'FULL_OBJECT' };
    expect((await upload.complete(parts, { ...typed, 'x-amz-checksum-crc32': crc(big) })).code).toBe('BadDigest');
    const done = await upload.complete(parts, { ...typed, 'x-amz-checksum-crc32': whole });
    expect([one(done, 'ChecksumCRC32'), one(done, 'ChecksumType')]).toEqual([whole, 'FULL_OBJECT']);
  });

  it('with the parts by number in pages, and with the latest part of each number', async () => {
    const upload = await begin('/photos/pages');
    for (const number of [7, 10_000, 1, 3, 3]) await upload.part(number, `part ${number}`);
    await upload.part(3, 'part 3 again');
    const seen: string[] = [];
    for (let marker = '0'; ; ) {
      const query = `max-parts=2&part-number-marker=${marker}&uploadId=${upload.id}`;
      const page = await store.send('GET', upload.path, { query });
      seen.push(...all(page, 'PartNumber'));
      if (marker === '1') expect(all(page, 'Size')[0]).toBe('11');
      if (one(page, 'IsTruncated') === 'false') break;
      marker = one(page, 'NextPartNumberMarker') ?? '';
    }
    expect(seen).toEqual(['1', '3', '7', '10000']);
  });

  it('with the uploads by key in pages, grouped by a delimiter', async () => {
    await store.send('PUT', '/uploading');
    const ids = new Map<string, string>();
    for (const key of ['b', 'a/1', 'a/2', 'c/1', 'd', 'a/1']) {
      const { id } = await begin(`/uploading/${key}`);
      ids.set(id, key);
    }
    const pages = async (query: string) => {
      const found: string[] = [];
      for (let marker = ''; ; ) {
        const [before, after] = query.split('|');
        const page = await store.send('GET', '/uploading', { query: `${before}${marker}${after}` });
        found.push(...all(page, 'Key'), ...all(page, 'Prefix').filter((text) => /\/$/.test(text)));
        if (one(page, 'IsTruncated') === 'false') return found;
        const [key = '', id = ''] = [one(page, 'NextKeyMarker'), one(page, 'NextUploadIdMarker')];
        marker = `key-marker=${encodeURIComponent(key)}&max-uploads=1&upload-id-marker=${id}&`;
        expect(found.length).toBeLessThan(20);
      }
    };
    expect(await pages('|uploads=')).toEqual(['a/1', 'a/1', 'a/2', 'b', 'c/1', 'd']);
    expect(await pages('|prefix=a%2F&uploads=')).toEqual(['a/1', 'a/1', 'a/2', 'a/']);
    expect(await pages('delimiter=%2F&|uploads=')).toEqual(['b', 'd', 'a/', 'c/']);
    const first = await store.send('GET', '/uploading', { query: 'delimiter=%2F&max-uploads=1&uploads=' });
    expect([all(first, 'Prefix').at(-1), one(first, 'NextKeyMarker')]).toEqual(['a/', 'a/']);
    // The upload of the marker may have ended before the next page is requested.
    const [gone = ''] = ids.keys();
    await store.send('DELETE', `/uploading/${ids.get(gone)}`, { query: `uploadId=${gone}` });
    const next = await store.send('GET', '/uploading', { query: `key-marker=b&upload-id-marker=${gone}&uploads=` });
    expect(all(next, 'Key')).toEqual(['c/1', 'd']);
  });
});

describe('the disk', () => {
  it('holds copied bytes once, as long as any object needs them', async () => {
    const before = await diskBytes();
    const grown = async () => Math.round(((await diskBytes()) - before) / MiB);
    const upload = await begin('/photos/disk');
    await upload.part(1, big);
    await upload.part(1, big);
    await upload.part(2, big);
    await upload.part(9, big);
    expect(await grown()).toBe(15);
    await upload.complete([
      [1, hex(big)],
      [2, hex(big)],
    ]);
    expect(await grown()).toBe(10);
    const copy = { headers: { 'x-amz-copy-source': '/photos/disk', 'if-none-match': '*' } };
    const copied = await store.send('PUT', '/photos/disk-copy', copy);
    expect(one(copied, 'ETag')).toContain(hex(Buffer.concat([big, big])));
    expect((await store.send('PUT', '/photos/disk-copy', copy)).status).toBe(412);
    const again = await store.send('PUT', '/photos/disk-copy-2', {
      headers: { 'x-amz-copy-source': '/photos/disk-copy' },
    });
    expect(one(again, 'ETag')).toBe(one(copied, 'ETag'));
    expect(await grown()).toBe(10);
    await store.send('DELETE', '/photos/disk');
    await store.send('PUT', '/photos/disk-copy', { body: 'overwritten' });
    const left = await store.send('GET', '/photos/disk-copy-2');
    expect(left.body.equals(Buffer.concat([big, big]))).toBe(true);
    expect(left.headers['x-amz-mp-parts-count']).toBeUndefined();
    expect(await grown()).toBe(10);

    const parts = await begin('/photos/disk-parts');
    const query = `partNumber=1&uploadId=${parts.id}`;
    const range = (bytes: string) => ({
      query,
      headers: { 'x-amz-copy-source': '/photos/disk-copy-2', 'x-amz-copy-source-range': `bytes=${bytes}` },
    });
    await store.send('PUT', parts.path, range(`0-${big.length - 1}`));
    const spanning = await store.send('PUT', parts.path, range(`3-${big.length + 2}`));
    const shifted = Buffer.concat([big.subarray(3), big.subarray(0, 3)]);
    expect(one(spanning, 'ETag')).toContain(hex(shifted));
    await store.send('DELETE', '/photos/disk-copy-2');
    await parts.complete([[1, hex(shifted)]]);
    expect((await store.send('GET', parts.path)).body.equals(shifted)).toBe(true);
    const middle = await store.send('GET', parts.path, {
      headers: { range: `bytes=${big.length - 5}-${big.length - 2}` },
    });
    expect(middle.body.equals(shifted.subarray(-5, -1))).toBe(true);
    expect(await grown()).toBe(10);
    await store.send('DELETE', parts.path);
    expect(await grown()).toBe(0);
    const aborted = await begin('/photos/aborted');
    await aborted.part(1, big);
    await store.send('DELETE', aborted.path, { query: `uploadId=${aborted.id}` });
    expect((await store.send('DELETE', aborted.path, { query: `uploadId=${aborted.id}` })).code).toBe('NoSuchUpload');
    expect(await grown()).toBe(0);
  });

  it('a copy of a large object has a new ETag, and a checksum where it follows from the parts', async () => {
    for (const [algorithm, value] of [
      ['CRC32', crc(big)],
      ['SHA256', sha(big)],
    ] as const) {
      const checksum = { [`x-amz-checksum-${algorithm.toLowerCase()}`]: value };
      await store.send('PUT', '/photos/piece', { body: big, headers: checksum });
      const upload = await begin('/photos/large', { 'x-amz-checksum-algorithm': algorithm });
      const numbers = Array.from({ length: 14 }, (_, index) => index + 1);
      const element = `<Checksum${algorithm}>${value}</Checksum${algorithm}>`;
      for (const number of numbers) {
        const query = `partNumber=${number}&uploadId=${upload.id}`;
        const part = await store.send('PUT', upload.path, { query, headers: { 'x-amz-copy-source': '/photos/piece' } });
        expect([one(part, 'ETag'), one(part, `Checksum${algorithm}`)]).toEqual([
          expect.stringContaining(hex(big)),
          value,
        ]);
      }
      const done = await upload.complete(numbers.map((number) => [number, hex(big), element]));
      const copied = await store.send('PUT', '/photos/large-copy', {
        headers: { 'x-amz-copy-source': '/photos/large' },
      });
      expect(one(copied, 'ETag')).toMatch(/^(&quot;|")[0-9a-f]{32}(&quot;|")$/);
      expect(one(copied, 'ETag')).not.toBe(one(done, 'ETag'));
      const whole = Buffer.concat(numbers.map(() => big));
      const head = await store.send('HEAD', '/photos/large-copy', { headers: { 'x-amz-checksum-mode': 'ENABLED' } });
      expect(head.headers['x-amz-checksum-crc32']).toBe(algorithm === 'CRC32' ? crc(whole) : undefined);
      expect(head.headers['x-amz-checksum-sha256']).toBeUndefined();
      const asked = await store.send('PUT', '/photos/large-copy', {
        headers: { 'x-amz-copy-source': '/photos/large', 'x-amz-checksum-algorithm': 'SHA256' },
      });
      expect([one(asked, 'ChecksumSHA256'), one(asked, 'ETag')]).toEqual([
        sha(whole),
        expect.stringContaining(hex(whole)),
      ]);
    }
  });

  it('copies an object to its own key', async () => {
    await store.send('PUT', '/photos/self', { body: big });
    const headers = {
      'x-amz-copy-source': '/photos/self',
      'x-amz-metadata-directive': 'REPLACE',
      'content-type': 'image/png',
    };
    for (let round = 0; round < 3; round += 1)
      expect((await store.send('PUT', '/photos/self', { headers })).status).toBe(200);
    const { body, headers: told } = await store.send('GET', '/photos/self');
    expect([told['content-type'], told.etag, body.equals(big)]).toEqual(['image/png', `"${hex(big)}"`, true]);
  });
});

it('a second host name of the same bucket has its own signatures', async () => {
  const { port } = new URL(store.url);
  const paths = { [`127.0.0.1:${port}`]: '/photos/hosts', [`photos.localhost:${port}`]: '/hosts' };
  const { sign, transmit } = await import('./devstore-signer.ts');
  for (const [host, path] of Object.entries(paths)) {
    const signed = sign('PUT', host, path, { body: host });
    const put = await transmit(store.url, 'PUT', path, { ...signed, 'content-length': String(host.length) }, host);
    expect(put.status).toBe(200);
    expect((await store.send('GET', '/photos/hosts')).body.toString()).toBe(host);
    const elsewhere = { ...signed, host: `localhost:${port}`, 'content-length': String(host.length) };
    expect((await transmit(store.url, 'PUT', path, elsewhere, host)).status).toBeGreaterThanOrEqual(400);
  }
});

it('the next start finishes a completion that a crash interrupted after the object appeared', async () => {
  const first = await startStore();
  const created = await first.send('POST', '/photos/cut', { query: 'uploads=' });
  const id = one(created, 'UploadId') ?? '';
  for (const number of [1, 2])
    await first.send('PUT', '/photos/cut', { query: `partNumber=${number}&uploadId=${id}`, body: small });
  const folder = join(first.directory, 'buckets', 'photos', 'uploads', id);
  const [upload, unused] = await Promise.all(['upload.json', 'part-00002'].map((name) => readFile(join(folder, name))));
  const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${hex(small)}</ETag></Part></CompleteMultipartUpload>`;
  const complete = { query: `uploadId=${id}`, body: list };
  expect((await first.send('POST', '/photos/cut', complete)).status).toBe(200);
  expect((await readdir(folder)).sort()).toEqual(['object.json', 'part-00001']);
  await first.store.close();
  // The state after such a crash.
  await writeFile(join(folder, 'upload.json'), upload ?? '');
  await writeFile(join(folder, 'part-00002'), unused ?? '');
  const second = await startStore({ dir: first.directory });
  try {
    expect((await readdir(folder)).sort()).toEqual(['object.json', 'part-00001']);
    expect((await second.send('GET', '/photos/cut')).body.equals(small)).toBe(true);
    expect((await second.send('GET', '/photos', { query: 'uploads=' })).body.toString()).not.toContain(id);
    expect((await second.send('POST', '/photos/cut', complete)).status).toBe(200);
  } finally {
    await second.end();
  }
});

it('with durable, the store flushes everything before it answers', async () => {
  const durable = await startStore({ durable: true });
  try {
    await durable.send('PUT', '/photos/a', { body: big });
    await durable.send('PUT', '/photos/b', { headers: { 'x-amz-copy-source': '/photos/a' } });
    await durable.send('PUT', '/photos/empty', { body: '' });
    expect((await durable.send('GET', '/photos/b')).body.equals(big)).toBe(true);
    expect((await durable.send('GET', '/photos/empty')).body).toHaveLength(0);
    expect(await readdir(join(durable.directory, 'tmp'))).toEqual([]);
  } finally {
    await durable.end();
  }
});

it('with opaque ETags, as with KMS, the store still verifies checksums', async () => {
  const opaque = await startStore({ etags: 'opaque' });
  try {
    const put = await opaque.send('PUT', '/photos/a', { body: 'hello' });
    expect(put.headers.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(put.headers.etag).not.toBe(`"${hex('hello')}"`);
    const wrong = { 'content-md5': createHash('md5').update('b').digest('base64') };
    expect((await opaque.send('PUT', '/photos/b', { body: 'a', headers: wrong })).code).toBe('BadDigest');
    const right = { 'content-md5': createHash('md5').update('a').digest('base64') };
    expect((await opaque.send('PUT', '/photos/b', { body: 'a', headers: right })).status).toBe(200);
  } finally {
    await opaque.end();
  }
});
