/** Each adapter on a real server. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestApp, png } from '../../test/support/server-app.ts';
import { unreachableStorage } from '../../test/support/unreachable-storage.ts';
import { type CallbackRequest, route } from '../server/index.ts';
import { toExpressHandler } from './express.ts';
import { toNodeHandler } from './node.ts';

const storage = unreachableStorage();

let seen: CallbackRequest | undefined;

function createApp(basePath = '') {
  const routes = {
    a: route({
      limits: { maxBytes: 1000 },
      authorize: ({ request }) => {
        seen = request;
        return { ownerId: 'anna' };
      },
    }),
  };
  return createTestApp(storage, routes, { basePath, maxBodyBytes: 2000 });
}

const servers: Server[] = [];

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

const body = JSON.stringify({ route: 'a', files: [createApp().declare(png)] });
const post = (url: string, text: string = body) =>
  fetch(url, { method: 'POST', body: text, headers: { 'content-type': 'application/json', 'X-Odd': 'Ä' } });

describe('toNodeHandler()', () => {
  it('answers and keeps the connection open', async () => {
    const url = await listen(toNodeHandler(createApp().uploads));
    const answer = await post(`${url}/uploads?x=1`);
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'keep-alive']);
    expect(Number(answer.headers.get('content-length'))).toBe((await answer.text()).length);
    expect([seen?.method, seen?.path, seen?.header('Content-Type')]).toEqual(['POST', '/uploads', 'application/json']);
    expect(seen?.headers.get('content-type')).toBe('application/json');
    expect((seen?.raw as { url: string } | undefined)?.url).toBe('/uploads?x=1');
    expect((await post(`${url}/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/uploads/routes/a`, { method: 'HEAD' })).headers.get('content-type')).toBe(
      'application/json',
    );
  });

  it('answers 413 to a body that does not end, and closes the connection', async () => {
    const url = await listen(toNodeHandler(createApp().uploads));
    const request = httpRequest(`${url}/uploads`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    request.on('error', () => {});
    request.write(' '.repeat(5000));
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    expect([response.statusCode, response.headers.connection]).toEqual([413, 'close']);
    request.destroy();
  });

  it('answers 413 to a too large content-length without reading the body', async () => {
    const url = await listen(toNodeHandler(createApp().uploads));
    const headers = { 'content-type': 'application/json', 'content-length': '100000' };
    const request = httpRequest(`${url}/uploads`, { method: 'POST', headers });
    request.on('error', () => {});
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    expect([response.statusCode, response.headers.connection]).toEqual([413, 'close']);
    request.destroy();
  });
});

describe('toExpressHandler() in Express 5', () => {
  it.each([
    ['nothing', null],
    ['json()', express.json()],
    ['raw()', express.raw({ type: '*/*' })],
    ['text()', express.text({ type: '*/*' })],
    ['urlencoded()', express.urlencoded({ extended: true })],
  ])('works with %s before it', async (_, parser) => {
    const app = express();
    if (parser) app.use(parser);
    app.use(toExpressHandler(createApp().uploads));
    const url = await listen(app);
    const answer = await post(`${url}/uploads`);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('"grant"')]);
    expect((seen?.raw as { app?: unknown } | undefined)?.app).toBe(app);
    const bad = await post(`${url}/uploads`, '{"route":7}');
    expect(bad.status).toBe(400);
    await bad.text();
  });

  it('passes other paths to the next handler', async () => {
    const app = express();
    app.use(toExpressHandler(createApp().uploads));
    app.get('/hello', (_, response) => {
      response.send('hello');
    });
    const url = await listen(app);
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello');
    expect((await fetch(`${url}/uploads/other`)).headers.get('content-type')).toContain('text/html');
    expect((await fetch(`${url}/uploads/complete`)).status).toBe(405);
  });

  it('can be mounted at basePath, and reports a missing basePath', async () => {
    const right = express();
    right.use('/api/v1', toExpressHandler(createApp('/api/v1').uploads));
    expect((await post(`${await listen(right)}/api/v1/uploads`)).status).toBe(200);

    const wrong = express();
    wrong.use('/api', toExpressHandler(createApp().uploads));
    let message = '';
    wrong.use((error: Error, _request: unknown, response: express.Response, _next: unknown) => {
      message = error.message;
      response.status(500).end();
    });
    expect((await post(`${await listen(wrong)}/api/uploads`)).status).toBe(500);
    expect(message).toContain("basePath: '/api'");
  });

  it('works inside a router', async () => {
    const router = express.Router();
    router.use(toExpressHandler(createApp('/api').uploads));
    const app = express();
    app.use('/api', router);
    expect((await post(`${await listen(app)}/api/uploads`)).status).toBe(200);
  });
});
