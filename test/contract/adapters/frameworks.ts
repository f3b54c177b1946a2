/** Every adapter on a real server of its framework, and Lambda behind a small gateway. */
import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type CanActivate, Controller, type ExecutionContext, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import Fastify, { type FastifyRequest } from 'fastify';
import { H3, type H3Event } from 'h3';
import { createApp as createH3v1, eventHandler, type H3Event as H3v1Event, toNodeListener } from 'h3-v1';
import { type Context, Hono } from 'hono';
import Koa from 'koa';
import { expressRequest, toExpressHandler } from '../../../src/adapters/express.ts';
import { fastifyRequest, toFastifyPlugin } from '../../../src/adapters/fastify.ts';
import { toFetchHandler } from '../../../src/adapters/fetch.ts';
import { h3Event, toH3Handler } from '../../../src/adapters/h3.ts';
import type { MountableHandler } from '../../../src/adapters/handler.ts';
import { honoContext, toHonoHandler } from '../../../src/adapters/hono.ts';
import { koaContext, toKoaHandler } from '../../../src/adapters/koa.ts';
import { type LambdaEvent, lambdaEvent, toLambdaHandler } from '../../../src/adapters/lambda.ts';
import { nestRequest, WaybillModule } from '../../../src/adapters/nest.ts';
import { toNodeHandler } from '../../../src/adapters/node.ts';
import { reactRouterArguments, toReactRouterHandler } from '../../../src/adapters/react-router.ts';
import { svelteKitEvent, toSvelteKitHandle } from '../../../src/adapters/sveltekit.ts';
import type { CallbackRequest } from '../../../src/server/index.ts';

/** Express 4 under another name, which has no types of its own. */
const require = createRequire(import.meta.url);
const express4 = require('express-4') as typeof express;

export interface Running {
  /** Origin, without a path. */
  url: string;
  close(): Promise<void>;
}

export interface Framework {
  name: string;
  /** Starts an app with the uploads handler. Where `hasOtherRoutes`, `GET /hello` of the app answers `hello`. */
  start(uploads: MountableHandler): Promise<Running>;
  hasOtherRoutes: boolean;
  /** The header `x-user`, read from the framework's own request by the adapter's accessor. */
  userOf(request: CallbackRequest): string | undefined;
}

async function listen(server: Server): Promise<Running> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const startListener = (listener: RequestListener) => listen(createServer(listener));
const startFetch = (fetch: (request: Request) => Response | Promise<Response>) =>
  listen(createAdaptorServer({ fetch }) as Server);
const hello = () => new Response('hello');
const header = (value: string | string[] | undefined) => [value].flat()[0];

const nodeUser = ({ raw }: CallbackRequest) => header((raw as IncomingMessage).headers['x-user']);
const fetchUser = ({ raw }: CallbackRequest) => (raw as Request).headers.get('x-user') ?? undefined;

function startExpress(create: typeof express, parser?: 'json') {
  return (uploads: MountableHandler) => {
    const app = create();
    if (parser) app.use(create.json({ limit: '1mb' }));
    app.use(toExpressHandler(uploads));
    app.get('/hello', (_, response) => {
      response.send('hello');
    });
    return startListener(app);
  };
}

const expressUser = (request: CallbackRequest) => expressRequest<express.Request>(request).get('x-user');

/** A guard puts the user on the request, as guards that read a session do. */
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: IncomingMessage['headers']; user?: string }>();
    const user = header(request.headers['x-user']);
    if (user !== undefined) request.user = user;
    return true;
  }
}

class HelloController {
  hello(): string {
    return 'hello';
  }
}
Get('hello')(
  HelloController.prototype,
  'hello',
  Object.getOwnPropertyDescriptor(HelloController.prototype, 'hello') as PropertyDescriptor,
);
Controller()(HelloController);

function startNest(platform: () => ExpressAdapter | FastifyAdapter) {
  return async (uploads: MountableHandler): Promise<Running> => {
    class AppModule {}
    Module({
      imports: [WaybillModule.forRoot({ uploads, guards: [UserGuard] })],
      controllers: [HelloController],
    })(AppModule);
    const app = await NestFactory.create(AppModule, platform(), { logger: false });
    if (uploads.basePath !== '') app.setGlobalPrefix(uploads.basePath);
    await app.listen(0, '127.0.0.1');
    return { url: await app.getUrl(), close: () => app.close() };
  };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

type ToEvent = (request: IncomingMessage, path: string, query: string, body: Buffer) => LambdaEvent;

/** Translates a request into an event and the result into a response, as AWS does. */
function startLambda(toEvent: ToEvent) {
  return (uploads: MountableHandler) => {
    const handle = toLambdaHandler(uploads);
    return startListener(async (request, response) => {
      const [path = '', query = ''] = (request.url ?? '').split('?', 2);
      const result = await handle(toEvent(request, path, query, await readAll(request)));
      response.writeHead(result.statusCode, result.headers).end(result.body);
    });
  };
}

const headersOf = ({ headers }: IncomingMessage) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, header(value)]));

const eventV2: ToEvent = (request, rawPath, rawQueryString, body) => {
  const { cookie, ...headers } = headersOf(request);
  return {
    version: '2.0',
    rawPath,
    rawQueryString,
    headers,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    ...(body.length > 0 ? { body: body.toString('base64') } : {}),
    isBase64Encoded: true,
    requestContext: { http: { method: request.method ?? '' }, stage: '$default' },
  };
};

const eventV1: ToEvent = (request, path, query, body) => {
  const multiValueQueryStringParameters: Record<string, string[]> = {};
  const parameters = new URLSearchParams(query);
  for (const name of new Set(parameters.keys())) multiValueQueryStringParameters[name] = parameters.getAll(name);
  const headers = Object.entries(headersOf(request));
  return {
    httpMethod: request.method ?? '',
    path,
    // API Gateway keeps the spelling of the client.
    multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name.toUpperCase(), value ? [value] : []])),
    multiValueQueryStringParameters,
    body: body.length > 0 ? body.toString() : null,
    isBase64Encoded: false,
    requestContext: {},
  };
};

const eventOfLoadBalancer: ToEvent = (request, path, query, body) => ({
  httpMethod: request.method ?? '',
  path,
  headers: headersOf(request),
  // As sent: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
  queryStringParameters: Object.fromEntries(query.split('&').map((pair) => pair.split('=', 2) as [string, string])),
  body: body.toString(),
  isBase64Encoded: false,
  requestContext: { elb: {} },
});

const lambdaUser = (request: CallbackRequest) => {
  const event = lambdaEvent(request);
  if ('multiValueHeaders' in event) return event.multiValueHeaders?.['X-USER']?.[0];
  return event.headers?.['x-user'];
};

export const frameworks: readonly Framework[] = [
  {
    name: 'node:http',
    start: (uploads) => startListener(toNodeHandler(uploads)),
    hasOtherRoutes: false,
    userOf: nodeUser,
  },
  {
    name: 'node:http2 in compatibility mode',
    start: startHttp2,
    hasOtherRoutes: false,
    userOf: nodeUser,
  },
  {
    name: 'the Fetch API',
    start: (uploads) => startFetch(toFetchHandler(uploads, hello)),
    hasOtherRoutes: true,
    userOf: fetchUser,
  },
  { name: 'Express 5', start: startExpress(express), hasOtherRoutes: true, userOf: expressUser },
  { name: 'Express 5 behind json()', start: startExpress(express, 'json'), hasOtherRoutes: true, userOf: expressUser },
  {
    name: 'Express 4',
    start: startExpress(express4),
    hasOtherRoutes: true,
    userOf: expressUser,
  },
  {
    name: 'Fastify 5',
    async start(uploads) {
      const app = Fastify();
      app.register(toFastifyPlugin(uploads));
      app.get('/hello', async () => 'hello');
      const url = await app.listen({ port: 0, host: '127.0.0.1' });
      return { url, close: () => app.close() };
    },
    hasOtherRoutes: true,
    userOf: (request) => header(fastifyRequest<FastifyRequest>(request).headers['x-user']),
  },
  {
    name: 'Hono',
    start(uploads) {
      const app = new Hono();
      app.use(toHonoHandler(uploads));
      app.get('/hello', (context) => context.text('hello'));
      return startFetch(app.fetch);
    },
    hasOtherRoutes: true,
    userOf: (request) => honoContext<Context>(request).req.header('x-user'),
  },
  {
    name: 'Hono behind middleware that reads the body',
    start(uploads) {
      const app = new Hono();
      app.use(async (context, next) => {
        if (context.req.method === 'POST') await context.req.text();
        await next();
      });
      app.use(toHonoHandler(uploads));
      app.get('/hello', (context) => context.text('hello'));
      return startFetch(app.fetch);
    },
    hasOtherRoutes: true,
    userOf: (request) => honoContext<Context>(request).req.header('x-user'),
  },
  {
    name: 'Koa 3',
    start(uploads) {
      const app = new Koa();
      app.use(toKoaHandler(uploads));
      app.use((context) => {
        if (context.path === '/hello') context.body = 'hello';
      });
      return startListener(app.callback());
    },
    hasOtherRoutes: true,
    userOf: (request) => koaContext<Koa.Context>(request).get('x-user') || undefined,
  },
  {
    name: 'h3 2',
    start(uploads) {
      const app = new H3();
      app.use(toH3Handler(uploads));
      app.get('/hello', () => 'hello');
      return startFetch((request) => app.fetch(request));
    },
    hasOtherRoutes: true,
    userOf: (request) => h3Event<H3Event>(request).req.headers.get('x-user') ?? undefined,
  },
  {
    name: 'h3 1 (Nitro, Nuxt)',
    start(uploads) {
      const app = createH3v1();
      app.use(eventHandler(toH3Handler(uploads)));
      app.use(
        '/hello',
        eventHandler(() => 'hello'),
      );
      return startListener(toNodeListener(app));
    },
    hasOtherRoutes: true,
    userOf: (request) => h3Event<H3v1Event>(request).headers.get('x-user') ?? undefined,
  },
  {
    name: 'NestJS on Express',
    start: startNest(() => new ExpressAdapter()),
    hasOtherRoutes: true,
    userOf: (request) => nestRequest<{ user?: string }>(request).user,
  },
  {
    name: 'NestJS on Fastify',
    start: startNest(() => new FastifyAdapter()),
    hasOtherRoutes: true,
    userOf: (request) => nestRequest<{ user?: string }>(request).user,
  },
  {
    name: "SvelteKit's hook",
    start: (uploads) => {
      const handle = toSvelteKitHandle(uploads);
      return startFetch((request) => handle({ event: { request, locals: {} }, resolve: hello }));
    },
    hasOtherRoutes: true,
    userOf: (request) => svelteKitEvent<{ request: Request }>(request).request.headers.get('x-user') ?? undefined,
  },
  {
    name: "React Router's loader and action",
    start: (uploads) => {
      const { loader, action } = toReactRouterHandler(uploads);
      return startFetch((request) => {
        const handle = request.method === 'GET' || request.method === 'HEAD' ? loader : action;
        return handle({ request, ...{ params: {} } });
      });
    },
    hasOtherRoutes: false,
    userOf: (request) => reactRouterArguments(request).request.headers.get('x-user') ?? undefined,
  },
  { name: 'Lambda, payload 2.0', start: startLambda(eventV2), hasOtherRoutes: false, userOf: lambdaUser },
  { name: 'Lambda, payload 1.0', start: startLambda(eventV1), hasOtherRoutes: false, userOf: lambdaUser },
  {
    name: 'Lambda behind a load balancer',
    start: startLambda(eventOfLoadBalancer),
    hasOtherRoutes: false,
    userOf: lambdaUser,
  },
];

/** A front that speaks HTTP/1.1 to the tests and HTTP/2 to the handler: `fetch` of Node speaks only the former. */
async function startHttp2(uploads: MountableHandler): Promise<Running> {
  const server = http2.createServer(toNodeHandler(uploads)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const front = await startListener(async (request, response) => {
    const { host, connection, 'transfer-encoding': _, ...headers } = request.headers;
    const stream = session.request({
      ...headers,
      ':method': request.method,
      ':path': request.url,
      ':authority': host,
    });
    const body = await readAll(request);
    // Requests without a body have been ended already.
    if (body.length > 0) stream.end(body);
    else if (!stream.writableEnded) stream.end();
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const plain = Object.fromEntries(Object.entries(answer).filter(([name]) => !name.startsWith(':')));
    response.writeHead(Number(answer[':status']), plain).end(Buffer.concat(chunks));
  });
  return {
    url: front.url,
    async close() {
      await front.close();
      session.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
