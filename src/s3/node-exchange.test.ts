/** Tests against a real server on loopback, because the bytes on the wire matter. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ExchangeRequest, ExchangeResponse } from './exchange.ts';
import { startIdleTimeout } from './idle-timeout.ts';
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

async function ask(request: Partial<ExchangeRequest> = {}): Promise<ExchangeResponse> {
  const idleTimeout = request.idleTimeout ?? startIdleTimeout(60_000);
  idleTimeout.stop();
  const given = { method: 'GET', origin, target: '/', headers: { host: 'store' }, body: undefined, signal: undefined };
  return createNodeExchange(origin)({ ...given, ...request, idleTimeout });
}
const textOf = async (response: ExchangeResponse) => String(await response.bytes(1000));

it('keeps connections open, also after a HEAD', async () => {
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
    const response = await ask({ method, target: '/key?a=b' });
    expect(response.headers.etag).toBe('"e"');
    expect(await textOf(response)).toBe(method === 'HEAD' ? '' : 'answer');
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

it('follows no redirect and decodes no body', async () => {
  const zipped = gzipSync('text');
  handler = (_request, response) =>
    response.writeHead(307, { location: '/elsewhere', 'content-encoding': 'gzip' }).end(zipped);
  const response = await ask();
  expect(response.status).toBe(307);
  expect((await response.bytes(1000))?.equals(zipped)).toBe(true);
});

it.each([204, 304, 799])('accepts a %i without a body', async (status) => {
  handler = (_request, response) => response.writeHead(status).end();
  const response = await ask({ method: 'DELETE' });
  expect(response.status).toBe(status);
  expect(await textOf(response)).toBe('');
});

it('drops a body that is too long', async () => {
  handler = (_request, response) => response.writeHead(200).end('x'.repeat(1001));
  expect(await (await ask()).bytes(1001)).toHaveLength(1001);
  expect(await (await ask()).bytes(1000)).toBeNull();
});

it('rejects with the reason of the signal', async () => {
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

it.each(['before a response', 'within a response'])('stops on expiry of the idle timeout, %s', async (when) => {
  let over = () => {};
  const onExpire = (stop: () => void) => {
    over = stop;
  };
  const idleTimeout = { ...startIdleTimeout(60_000), onExpire };
  const arrived = new Promise<void>((resolve) => {
    handler = (_request, response) => {
      if (when === 'within one') response.writeHead(200, { 'content-length': '100' }).write('begin');
      resolve();
    };
  });
  const asked = ask({ idleTimeout });
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

it('stops reading when the signal aborts', async () => {
  handler = (_request, response) => response.writeHead(200, { 'content-length': '100' }).write('begin');
  const stop = new AbortController();
  const reader = (await ask({ signal: stop.signal })).stream().getReader();
  expect(Buffer.from((await reader.read()).value ?? '').toString()).toBe('begin');
  stop.abort();
  await expect(reader.read()).rejects.toThrow();
});

it('fails when a body is cut off and when the connection is refused', async () => {
  handler = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begin', () => response.destroy());
  };
  await expect((await ask()).bytes(1000)).rejects.toThrow();
  handler = (request) => request.socket.destroy();
  await expect(ask()).rejects.toThrow();
});
