/** What single adapters do besides the contract of test/contract/adapters. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import Koa from 'koa';
import { expect, it } from 'vitest';
import { createTestApp } from '../../test/support/server-app.ts';
import { unreachableStorage } from '../../test/support/unreachable-storage.ts';
import { type CallbackRequest, route } from '../server/index.ts';
import { expressRequest } from './express.ts';
import { fastifyRequest, toFastifyPlugin } from './fastify.ts';
import { h3Event } from './h3.ts';
import { honoContext } from './hono.ts';
import { koaContext, toKoaHandler } from './koa.ts';
import { lambdaEvent } from './lambda.ts';
import { nestRequest } from './nest.ts';
import { nextRequest } from './next.ts';
import { reactRouterArguments } from './react-router.ts';
import { svelteKitEvent } from './sveltekit.ts';

const createUploads = (basePath = '') =>
  createTestApp(
    unreachableStorage(),
    { a: route({ limits: { maxBytes: 1000 }, authorize: () => ({ ownerId: 'anna' }) }) },
    { basePath },
  ).uploads;

it('toFastifyPlugin() accepts the prefix that is basePath, and refuses another one', async () => {
  const right = Fastify();
  right.register(toFastifyPlugin(createUploads('/api')), { prefix: '/api' });
  expect((await right.inject('/api/uploads/routes/a')).statusCode).toBe(200);
  await right.close();

  const wrong = Fastify();
  wrong.register(toFastifyPlugin(createUploads()), { prefix: '/api' });
  await expect(wrong.ready()).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining("basePath: '/api'"),
  });
  await wrong.close();
});

it('toFastifyPlugin() leaves /events to the app', async () => {
  const app = Fastify();
  app.register(toFastifyPlugin(createUploads()));
  app.post('/events', async (request) => request.body);
  const answer = await app.inject({ method: 'POST', url: '/events', payload: { mine: true } });
  expect([answer.statusCode, answer.json()]).toEqual([200, { mine: true }]);
  await app.close();
});

it('toKoaHandler() below a mount point needs basePath, and says so', async () => {
  for (const [basePath, status] of [
    ['/api', 200],
    ['', 500],
  ] as const) {
    const app = new Koa();
    let message = '';
    app.silent = true;
    app.on('error', (error: Error) => {
      message = error.message;
    });
    // As koa-mount does: the path loses the mount point, and `originalUrl` keeps it.
    app.use(async (context, next) => {
      context.path = context.path.slice('/api'.length);
      await next();
    });
    app.use(toKoaHandler(createUploads(basePath)));
    const server = createServer(app.callback()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/api/uploads/routes/a`);
    expect([basePath, answer.status]).toEqual([basePath, status]);
    if (status === 500) expect(message).toContain("basePath: '/api'");
    await answer.text();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
});

it.each([
  expressRequest,
  fastifyRequest,
  h3Event,
  honoContext,
  koaContext,
  lambdaEvent,
  nestRequest,
  nextRequest,
  reactRouterArguments,
  svelteKitEvent,
])('%o refuses a request of another adapter', (accessor) => {
  for (const raw of [null, undefined, 'text', {}])
    expect(() => accessor({ raw } as CallbackRequest)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});
