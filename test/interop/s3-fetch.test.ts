/** What Node's fetch sends for our requests, byte for byte: it must not add, change or repeat a signed header. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { s3Storage } from '../../src/s3/index.ts';
import { verifyRequest } from '../../src/s3/internal.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'tok/en+==' };
const received: { method: string; url: string; rawHeaders: string[]; body: string }[] = [];
let server: Server;
let endpoint: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      received.push({ method: request.method ?? '', url: request.url ?? '', rawHeaders: request.rawHeaders, body });
      if (request.url?.includes('redirected')) response.writeHead(307, { location: `${endpoint}/elsewhere` });
      const isCopy = request.headers['x-amz-copy-source'] !== undefined;
      response.end(isCopy ? '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>' : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const create = () => s3Storage({ capabilities: 'aws', bucket: 'user-content', endpoint, credentials, retries: 0 });

function last() {
  const request = received.at(-1);
  if (!request) throw new Error('Nothing arrived');
  const names = request.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const values = request.rawHeaders.filter((_, index) => index % 2 === 1);
  const headers = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  const [rawPath = '', rawQuery = ''] = request.url.split('?');
  expect(names, 'each header once').toHaveLength(new Set(names).size);
  return { ...request, headers, rawPath, rawQuery };
}

const stamps = (headers: object) =>
  Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort();

it('fetch sends a put unchanged', async () => {
  await create().put({ key: 'ü b/%2F', body: 'é!', contentType: 'text/plain', metadata: { a: 'b' }, ifNoneMatch: '*' });
  const request = last();
  expect(verifyRequest(request, { lookup: () => credentials, now: Date.now() }).signedHeaders).toEqual([
    'content-md5',
    'content-type',
    'host',
    'if-none-match',
    'x-amz-content-sha256',
    'x-amz-date',
    'x-amz-meta-a',
    'x-amz-security-token',
  ]);
  expect(request.body).toBe('é!');
  expect(request.headers).toMatchObject({
    'content-length': '3',
    'content-type': 'text/plain',
    host: new URL(endpoint).host,
  });
  expect(request.headers).not.toHaveProperty('cache-control');
  expect(request.headers).not.toHaveProperty('transfer-encoding');
});

it('fetch sends the length of an empty put', async () => {
  await create().put({ key: 'a', body: '' });
  expect(last().headers).toMatchObject({ 'content-length': '0' });
});

it('fetch adds no body, no type and no cache header to a copy', async () => {
  await create().copy({ from: 'a b', to: 'c', contentType: 'image/png', once: true, sourceEtag: '"e"' });
  const request = last();
  verifyRequest(request, { lookup: () => credentials, now: Date.now() });
  expect(request.headers['content-type']).toBe('image/png');
  expect(request.headers['x-amz-copy-source']).toBe('/user-content/a%20b');
  expect(request.headers).not.toHaveProperty('cache-control');
  expect(stamps(request.headers)).toEqual([
    'x-amz-content-sha256',
    'x-amz-copy-source',
    'x-amz-copy-source-if-match',
    'x-amz-date',
    'x-amz-metadata-directive',
    'x-amz-security-token',
  ]);
});

it('fetch sends a presigned PUT and sets its length', async () => {
  const { url, method, headers } = create().presignPut({
    key: 'a',
    size: 3,
    contentType: 'text/plain',
    expiresInSeconds: 60,
  });
  const { 'content-length': _, ...rest } = headers;
  await (await fetch(url, { method, headers: rest, body: Buffer.from('abc') })).text();
  verifyRequest(last(), { lookup: () => credentials, now: Date.now() });
  // The same with a given length, as a client sends it that replays all headers.
  await (await fetch(url, { method, headers, body: Buffer.from('abc') })).text();
  verifyRequest(last(), { lookup: () => credentials, now: Date.now() });
});

it('a redirect is not followed, so that the signature is not sent to another host', async () => {
  const before = received.length;
  await expect(create().put({ key: 'redirected', body: 'abc' })).rejects.toMatchObject({
    code: 'TemporaryRedirect',
    status: 307,
  });
  expect(received.slice(before).map(({ url }) => url)).toEqual(['/user-content/redirected']);
});
