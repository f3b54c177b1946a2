/** Statuses, error codes and headers of AWS that no SDK shows, as tables. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, type Sending, sha256, startStore, type TestStore } from './devstore-signer.ts';

let store: TestStore;
beforeAll(async () => {
  store = await startStore();
  await store.send('PUT', '/photos/a', {
    body: 'hello',
    headers: { 'content-type': 'text/plain', 'x-amz-meta-a': 'b' },
  });
  await store.send('PUT', '/photos/ten', { body: '0123456789' });
});
afterAll(() => store.end());

const md5 = (data: string) => createHash('md5').update(data).digest('base64');
const sha = (data: string) => createHash('sha256').update(data).digest('base64');
const crc = (data: string) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(data));
  return bytes.toString('base64');
};
const etag = `"${createHash('md5').update('hello').digest('hex')}"`;

type Row = [what: string, method: string, path: string, sending: Sending, status: number, code?: string];

const rows: Row[] = [
  ['no credentials', 'GET', '/photos/a', { unsigned: true }, 403, 'AccessDenied'],
  ['no credentials and no bucket', 'GET', '/absent/a', { unsigned: true }, 404, 'NoSuchBucket'],
  ['unknown key', 'GET', '/photos/a', { accessKeyId: 'NOPE' }, 403, 'InvalidAccessKeyId'],
  ['wrong secret', 'GET', '/photos/a', { secret: 'x' }, 403, 'SignatureDoesNotMatch'],
  ['another region', 'GET', '/photos/a', { region: 'eu-west-1' }, 400, 'AuthorizationHeaderMalformed'],
  ['a clock sixteen minutes off', 'GET', '/photos/a', { at: Date.now() - 960_000 }, 403, 'RequestTimeTooSkewed'],
  ['a clock fourteen minutes off', 'GET', '/photos/a', { at: Date.now() - 840_000 }, 200],
  ['no such bucket', 'GET', '/absent', {}, 404, 'NoSuchBucket'],
  ['no such key', 'GET', '/photos/absent', {}, 404, 'NoSuchKey'],
  ['upper-case bucket', 'PUT', '/Photos', {}, 400, 'InvalidBucketName'],
  ['own bucket again', 'PUT', '/photos', {}, 200],
  ['bucket with objects', 'DELETE', '/photos', {}, 409, 'BucketNotEmpty'],
  ['a method S3 has not', 'PATCH', '/photos/a', {}, 405, 'MethodNotAllowed'],
  ['POST to an object', 'POST', '/photos/a', {}, 405, 'MethodNotAllowed'],
  ['versioning', 'PUT', '/photos', { query: 'versioning=', body: '<VersioningConfiguration/>' }, 501, 'NotImplemented'],
  ['a policy', 'PUT', '/photos', { query: 'policy=', body: '{}' }, 501, 'NotImplemented'],
  ['no policy', 'GET', '/photos', { query: 'policy=' }, 404, 'NoSuchBucketPolicy'],
  ['torrent', 'GET', '/photos/a', { query: 'torrent=' }, 501, 'NotImplemented'],
  ['another version', 'GET', '/photos/a', { query: 'versionId=abc' }, 400, 'InvalidArgument'],
  ['a key of 1,025 bytes', 'PUT', `/photos/${'k'.repeat(1025)}`, {}, 400, 'KeyTooLongError'],
  ['a key that is not UTF-8', 'PUT', '/photos/%FF', {}, 400, 'InvalidURI'],
  [
    'other bytes than signed',
    'PUT',
    '/photos/x',
    { body: 'a', payload: sha256('b') },
    400,
    'XAmzContentSHA256Mismatch',
  ],
  ['a word that is no hash', 'PUT', '/photos/x', { body: 'a', payload: 'what' }, 400, 'InvalidArgument'],
  ['a wrong Content-MD5', 'PUT', '/photos/x', { body: 'a', headers: { 'content-md5': md5('b') } }, 400, 'BadDigest'],
  ['no Content-MD5 at all', 'PUT', '/photos/x', { body: 'a', headers: { 'content-md5': 'abc' } }, 400, 'InvalidDigest'],
  ['a wrong CRC32', 'PUT', '/photos/x', { body: 'a', headers: { 'x-amz-checksum-crc32': crc('b') } }, 400, 'BadDigest'],
  [
    'no CRC32 at all',
    'PUT',
    '/photos/x',
    { body: 'a', headers: { 'x-amz-checksum-crc32': 'abc' } },
    400,
    'InvalidRequest',
  ],
  [
    'two checksums',
    'PUT',
    '/photos/x',
    { body: 'a', headers: { 'x-amz-checksum-crc32': crc('a'), 'x-amz-checksum-sha256': sha('a') } },
    400,
    'InvalidRequest',
  ],
  [
    'an algorithm and no checksum',
    'PUT',
    '/photos/x',
    { body: 'a', headers: { 'x-amz-sdk-checksum-algorithm': 'CRC32' } },
    400,
    'InvalidRequest',
  ],
  [
    '2,049 bytes of metadata',
    'PUT',
    '/photos/x',
    { headers: { 'x-amz-meta-a': 'v'.repeat(2048) } },
    400,
    'MetadataTooLarge',
  ],
  [
    'a public ACL',
    'PUT',
    '/photos/x',
    { headers: { 'x-amz-acl': 'public-read' } },
    400,
    'AccessControlListNotSupported',
  ],
  ['an ACL S3 has not', 'PUT', '/photos/x', { headers: { 'x-amz-acl': 'mine' } }, 400, 'InvalidArgument'],
  [
    'a storage class S3 has not',
    'PUT',
    '/photos/x',
    { headers: { 'x-amz-storage-class': 'ATTIC' } },
    400,
    'InvalidStorageClass',
  ],
  ['KMS', 'PUT', '/photos/x', { headers: { 'x-amz-server-side-encryption': 'aws:kms' } }, 501, 'NotImplemented'],
  [
    'a customer key',
    'PUT',
    '/photos/x',
    { headers: { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' } },
    501,
    'NotImplemented',
  ],
  ['object lock', 'PUT', '/photos/x', { headers: { 'x-amz-object-lock-mode': 'COMPLIANCE' } }, 501, 'NotImplemented'],
  ['once, and it is there', 'PUT', '/photos/a', { headers: { 'if-none-match': '*' } }, 412, 'PreconditionFailed'],
  ['if it is another', 'PUT', '/photos/a', { headers: { 'if-match': '"x"' } }, 412, 'PreconditionFailed'],
  ['if it matches, and none is there', 'PUT', '/photos/x', { headers: { 'if-match': '"x"' } }, 404, 'NoSuchKey'],
  ['reading what has not changed', 'GET', '/photos/a', { headers: { 'if-none-match': etag } }, 304],
  ['reading another', 'GET', '/photos/a', { headers: { 'if-match': '"x"' } }, 412, 'PreconditionFailed'],
  ['a range behind the end', 'GET', '/photos/ten', { headers: { range: 'bytes=10-' } }, 416, 'InvalidRange'],
  ['a part that is not there', 'GET', '/photos/ten', { query: 'partNumber=2' }, 416, 'InvalidPartNumber'],
  [
    'a line break in an override',
    'GET',
    '/photos/a',
    { query: 'response-content-type=a%0D%0Ab' },
    400,
    'InvalidArgument',
  ],
  ['a copy onto itself', 'PUT', '/photos/a', { headers: { 'x-amz-copy-source': 'photos/a' } }, 400, 'InvalidRequest'],
  ['a copy of nothing', 'PUT', '/photos/x', { headers: { 'x-amz-copy-source': 'photos/absent' } }, 404, 'NoSuchKey'],
  [
    'a copy of what has changed',
    'PUT',
    '/photos/x',
    { headers: { 'x-amz-copy-source': 'photos/a', 'x-amz-copy-source-if-match': '"x"' } },
    412,
    'PreconditionFailed',
  ],
  [
    'a copy over what is there',
    'PUT',
    '/photos/ten',
    { headers: { 'x-amz-copy-source': 'photos/a', 'if-none-match': '*' } },
    412,
    'PreconditionFailed',
  ],
  ['deleting what is not there', 'DELETE', '/photos/absent', {}, 204],
  [
    'many deletes without a checksum',
    'POST',
    '/photos',
    { query: 'delete=', body: '<Delete><Object><Key>x</Key></Object></Delete>' },
    400,
    'InvalidRequest',
  ],
  [
    'many deletes, malformed',
    'POST',
    '/photos',
    { query: 'delete=', body: '<Del', headers: { 'content-md5': md5('<Del') } },
    400,
    'MalformedXML',
  ],
  [
    'a listing with a made-up token',
    'GET',
    '/photos',
    { query: 'continuation-token=abc&list-type=2' },
    400,
    'InvalidArgument',
  ],
  ['a listing of -1', 'GET', '/photos', { query: 'list-type=2&max-keys=-1' }, 400, 'InvalidArgument'],
  ['an encoding S3 has not', 'GET', '/photos', { query: 'encoding-type=rot13' }, 400, 'InvalidArgument'],
  ['no CORS rules', 'GET', '/photos', { query: 'cors=' }, 404, 'NoSuchCORSConfiguration'],
  [
    'a preflight without rules',
    'OPTIONS',
    '/photos/a',
    { unsigned: true, headers: { origin: 'https://a.example', 'access-control-request-method': 'PUT' } },
    403,
    'AccessForbidden',
  ],
  ['a preflight from nowhere', 'OPTIONS', '/photos/a', { unsigned: true }, 400, 'BadRequest'],
  [
    'a form that is none',
    'POST',
    '/photos',
    { unsigned: true, headers: { 'content-type': 'text/plain' } },
    412,
    'PreconditionFailed',
  ],
  [
    "another account's expectation",
    'GET',
    '/photos/a',
    { headers: { 'x-amz-expected-bucket-owner': '999999999999' } },
    403,
    'AccessDenied',
  ],
];

describe('the store answers like AWS', () => {
  it.each(rows)('%s', async (_, method, path, sending, status, code) => {
    const answer = await store.send(method, path, sending);
    expect({ status: answer.status, code: answer.code }).toEqual({ status, code });
    expect(answer.headers['x-amz-request-id']).toMatch(/^[A-Z0-9]{16}$/);
    expect(answer.headers['x-amz-id-2']).toBeTruthy();
  });

  it('and stores nothing of refused requests', async () => {
    expect((await store.send('GET', '/photos/x')).status).toBe(404);
  });

  it('needs a length, and refuses more than 5 GiB before it reads the body', async () => {
    const { host } = new URL(store.url);
    const over = await store.send('PUT', '/photos/x', {
      payload: 'UNSIGNED-PAYLOAD',
      headers: { 'content-length': String(5 * 1024 ** 3 + 1), connection: 'close' },
    });
    expect(over).toMatchObject({ status: 400, code: 'EntityTooLarge' });
    const answer = await rawAnswer(`PUT /photos/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(answer).toContain('403');
  });

  it('answers 400 when a body ends too early, and stores nothing', async () => {
    const { host } = new URL(store.url);
    const answer = await rawAnswer(`PUT /photos/short HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 9\r\n\r\nabc`, true);
    expect(answer).toMatch(/^HTTP\/1.1 (400|403)/);
    expect((await store.send('GET', '/photos/short')).status).toBe(404);
  });

  it('does not send 100 Continue to an unauthenticated sender', async () => {
    const { host } = new URL(store.url);
    const answer = await rawAnswer(
      `PUT /photos/x HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 403/);
  });

  it('distinguishes keys that file systems do not distinguish', async () => {
    const keys = ['n', 'n/', 'n/b', '.', '..', 'N', '%C3%A9', 'e%CC%81', 'con', 'x.', '%00', 'n//b', '%F0%9F%98%80'];
    for (const key of keys) await store.send('PUT', `/photos/k/${key}`, { body: key });
    for (const key of keys) expect((await store.send('GET', `/photos/k/${key}`)).body.toString()).toBe(key);
  });

  it('lists keys in byte order, with owner, encoding and grouped prefixes', async () => {
    for (const key of ['l/a', 'l/b/1', 'l/b/2', 'l/%EF%BF%BD', 'l/%F0%9F%98%80'])
      await store.send('PUT', `/photos/${key}`, { body: '1' });
    const list = async (query: string) => (await store.send('GET', '/photos', { query })).body.toString();
    const all = await list('delimiter=%2F&encoding-type=url&list-type=2&prefix=l%2F');
    // UTF-16 would put the emoji (a surrogate pair) before U+FFFD.
    expect([...all.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key)).toEqual([
      'l/a',
      'l/%EF%BF%BD',
      'l/%F0%9F%98%80',
    ]);
    expect(all).toContain('<CommonPrefixes><Prefix>l/b/</Prefix></CommonPrefixes>');
    expect(all).toContain('<KeyCount>4</KeyCount>');
    expect(all).not.toContain('<Owner>');
    expect(await list('fetch-owner=true&list-type=2&max-keys=1')).toContain('<Owner>');
  });

  it('verifies the chunk signatures of a streamed body, and names the chunk that does not match', async () => {
    const body = Buffer.alloc(100_000, 'x');
    for (const [broken, expected] of [
      [false, { status: 200, code: undefined }],
      [true, { status: 403, code: 'SignatureDoesNotMatch' }],
    ] as const) {
      const answer = await sendChunked('/photos/chunked', body, broken);
      expect({ status: answer.status, code: answer.code }).toEqual(expected);
    }
    const stored = await store.send('GET', '/photos/chunked');
    expect(stored.body.equals(body)).toBe(true);
    expect(stored.headers['content-encoding']).toBeUndefined();
  });
});

async function sendChunked(path: string, body: Buffer, broken: boolean) {
  const { sign, signingKey, transmit } = await import('./devstore-signer.ts');
  const { createHmac } = await import('node:crypto');
  const { host } = new URL(store.url);
  const headers = sign('PUT', host, path, {
    payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': String(body.length) },
  });
  const date = headers['x-amz-date'] ?? '';
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const key = signingKey(credentials.secretAccessKey, date.slice(0, 8), 'us-east-1');
  let previous = /Signature=(.*)$/.exec(headers.authorization ?? '')?.[1] ?? '';
  const pieces: Buffer[] = [];
  for (const data of [body.subarray(0, 65_536), body.subarray(65_536), Buffer.alloc(0)]) {
    const text = ['AWS4-HMAC-SHA256-PAYLOAD', date, scope, previous, sha256(''), sha256(data)].join('\n');
    previous = createHmac('sha256', key).update(text).digest('hex');
    const told =
      broken && pieces.length > 0 ? previous.replace(/^./, (first) => (first === '0' ? '1' : '0')) : previous;
    pieces.push(Buffer.from(`${data.length.toString(16)};chunk-signature=${told}\r\n`), data, Buffer.from('\r\n'));
  }
  const encoded = Buffer.concat(pieces);
  return transmit(store.url, 'PUT', path, { ...headers, 'content-length': String(encoded.length) }, encoded);
}

function rawAnswer(text: string, halfClose = false): Promise<string> {
  const { hostname, port } = new URL(store.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(text);
      if (halfClose) socket.end();
    });
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.on('error', reject);
  });
}
