/** Against a real server on loopback: what counts is what goes over the wire. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startDeadline } from './deadline.ts';
import type { Exchanged, ExchangeRequest } from './exchange.ts';
import { createNodeExchange } from './node-exchange.ts';

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

async function ask(request: Partial<ExchangeRequest> = {}): Promise<Exchanged> {
  const deadline = request.deadline ?? startDeadline(60_000);
  deadline.stop();
  const given = { method: 'GET', origin, target: '/', headers: { host: 'store' }, body: undefined, signal: undefined };
  return createNodeExchange(origin)({ ...given, ...request, deadline });
}
const textOf = async (answer: Exchanged) => String(await answer.bytes(1000));

it('closes no connection that it can use again, not even after a HEAD', async () => {
  const seen: string[] = [];
  handler = async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { host, 'transfer-encoding': coding, 'content-length': length } = request.headers;
    seen.push(`${request.method} ${request.url} ${host} ${coding ?? length ?? '-'} ${body}`);
    response.writeHead(200, { etag: '"e"', 'content-length': 6 });
    response.end(request.method === 'HEAD' ? undefined : 'answer');
  };
  for (const method of ['HEAD', 'GET', 'PUT', 'POST', 'DELETE']) {
    const answer = await ask({ method, target: '/key?a=b' });
    expect(answer.headers.etag).toBe('"e"');
    expect(await textOf(answer)).toBe(method === 'HEAD' ? '' : 'answer');
  }
  await textOf(await ask({ method: 'PUT', body: Buffer.from('abc') }));
  await textOf(await ask());
  expect(seen).toEqual([
    'HEAD /key?a=b store - ',
    'GET /key?a=b store - ',
    'PUT /key?a=b store 0 ',
    'POST /key?a=b store 0 ',
    'DELETE /key?a=b store - ',
    'PUT / store 3 abc',
    'GET / store - ',
  ]);
  expect(closed).toBe(0);
});

it('follows nothing and decodes nothing', async () => {
  const zipped = gzipSync('text');
  handler = (_request, response) =>
    response.writeHead(307, { location: '/elsewhere', 'content-encoding': 'gzip' }).end(zipped);
  const answer = await ask();
  expect(answer.status).toBe(307);
  expect((await answer.bytes(1000))?.equals(zipped)).toBe(true);
});

it.each([204, 304, 799])('takes a %i without a body', async (status) => {
  handler = (_request, response) => response.writeHead(status).end();
  const answer = await ask({ method: 'DELETE' });
  expect(answer.status).toBe(status);
  expect(await textOf(answer)).toBe('');
});

it('drops what is longer than wanted', async () => {
  handler = (_request, response) => response.writeHead(200).end('x'.repeat(1001));
  expect(await (await ask()).bytes(1001)).toHaveLength(1001);
  expect(await (await ask()).bytes(1000)).toBeNull();
});

it('stops waiting when it is told to, with the reason', async () => {
  const arrived = new Promise<void>((resolve) => {
    handler = () => resolve();
  });
  const stop = new AbortController();
  const asked = ask({ signal: stop.signal });
  await arrived;
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(asked).rejects.toBe(reason);
});

it.each(['before an answer', 'within one'])('stops when the time is over, %s', async (when) => {
  let over = () => {};
  const onOver = (stop: () => void) => {
    over = stop;
  };
  const deadline = { ...startDeadline(60_000), onOver };
  const arrived = new Promise<void>((resolve) => {
    handler = (_request, response) => {
      if (when === 'within one') response.writeHead(200, { 'content-length': '100' }).write('begin');
      resolve();
    };
  });
  const asked = ask({ deadline });
  if (when === 'within one') {
    const read = (await asked).bytes(1000);
    over();
    await expect(read).rejects.toThrow();
  } else {
    await arrived;
    over();
    await expect(asked).rejects.toThrow();
  }
});

it('stops reading when it is told to', async () => {
  handler = (_request, response) => response.writeHead(200, { 'content-length': '100' }).write('begin');
  const stop = new AbortController();
  const reader = (await ask({ signal: stop.signal })).stream().getReader();
  expect(Buffer.from((await reader.read()).value ?? '').toString()).toBe('begin');
  stop.abort();
  await expect(reader.read()).rejects.toThrow();
});

it('fails when a body breaks off, and when nobody answers', async () => {
  handler = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begin', () => response.destroy());
  };
  await expect((await ask()).bytes(1000)).rejects.toThrow();
  handler = (request) => request.socket.destroy();
  await expect(ask()).rejects.toThrow();
});
