/** Against a real server on loopback: what counts is what goes over the wire. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeFetch } from './node-fetch.ts';

let server: Server;
let origin = '';
let closed = 0;
let handler: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  closed = 0;
  server = createServer((request, response) => handler(request, response));
  server.on('connection', (socket) => {
    socket.on('close', () => {
      closed += 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

it('closes no connection that it can use again, not even after a HEAD', async () => {
  const seen: string[] = [];
  handler = async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    seen.push(`${request.method} ${request.headers['content-length'] ?? '-'} ${body}`);
    response.writeHead(200, { etag: '"e"', 'content-length': 6 });
    response.end(request.method === 'HEAD' ? undefined : 'answer');
  };
  for (const method of ['HEAD', 'GET', 'PUT', 'DELETE']) {
    const response = await nodeFetch(`${origin}/key?a=b`, { method, headers: { 'x-amz-date': 'now' } });
    expect(response.headers.get('etag')).toBe('"e"');
    expect(await response.text()).toBe(method === 'HEAD' ? '' : 'answer');
  }
  await (await nodeFetch(origin, { method: 'PUT', body: Buffer.from('abc') })).text();
  await (await nodeFetch(origin, {})).text();
  expect(seen).toEqual(['HEAD - ', 'GET - ', 'PUT 0 ', 'DELETE - ', 'PUT 3 abc', 'GET - ']);
  expect(closed).toBe(0);
});

it('follows nothing and decodes nothing', async () => {
  const zipped = gzipSync('text');
  handler = (_request, response) =>
    response.writeHead(307, { location: '/elsewhere', 'content-encoding': 'gzip' }).end(zipped);
  const response = await nodeFetch(origin, {});
  expect(response.status).toBe(307);
  expect(response.ok).toBe(false);
  expect(Buffer.from(await response.arrayBuffer()).equals(zipped)).toBe(true);
});

it.each([204, 304])('takes a %i, which has no body', async (status) => {
  handler = (_request, response) => response.writeHead(status).end();
  const response = await nodeFetch(origin, { method: 'DELETE' });
  expect(response.status).toBe(status);
  expect(response.body).toBeNull();
});

it('stops waiting when it is told to, with the reason', async () => {
  const arrived = new Promise<void>((resolve) => {
    handler = () => resolve();
  });
  const stop = new AbortController();
  const asked = nodeFetch(origin, { signal: stop.signal });
  await arrived;
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(asked).rejects.toBe(reason);
});

it('stops reading when it is told to', async () => {
  handler = (_request, response) => response.writeHead(200, { 'content-length': '100' }).write('begin');
  const stop = new AbortController();
  const response = await nodeFetch(origin, { signal: stop.signal });
  const reader = response.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? '').toString()).toBe('begin');
  stop.abort();
  await expect(reader?.read()).rejects.toThrow();
});

it('fails when a body breaks off, and when nobody answers', async () => {
  handler = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begin', () => response.destroy());
  };
  const response = await nodeFetch(origin, {});
  await expect(response.text()).rejects.toThrow();
  handler = (request) => request.socket.destroy();
  await expect(nodeFetch(origin, {})).rejects.toThrow();
});

it('fails on a status that there is not', async () => {
  handler = (_request, response) => response.writeHead(799).end('?');
  await expect(nodeFetch(origin, {})).rejects.toThrow(RangeError);
});
