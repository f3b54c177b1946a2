/**
 * Each adapter on a server of its framework, and the same server with the bare handler. Everything is imported when a
 * server is made, so that a cold start includes it. SvelteKit, React Router and Next call their handlers with a
 * `Request`, so a plain Fetch server stands for them.
 */
import { createServer } from 'node:http';
import { bareFetch, bareLambda, bareNode } from './bare.mjs';

/** The server of Hono, which serves any function from a `Request` to a `Response`. */
async function serveFetch(fetch) {
  const { createAdaptorServer } = await import('@hono/node-server');
  return createAdaptorServer({ fetch });
}

/** Makes the event that a function URL sends: payload format 2.0. */
const serveLambda = (handler) =>
  createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const [rawPath, rawQueryString = ''] = request.url.split('?');
    const { statusCode, headers, body } = await handler({
      version: '2.0',
      rawPath,
      rawQueryString,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('base64'),
      isBase64Encoded: true,
      requestContext: { http: { method: request.method } },
    });
    response.writeHead(statusCode, headers).end(body);
  });

async function createNestServer(imports, controllers) {
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  class AppModule {}
  Module({ imports, controllers })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false, bodyParser: false });
  await app.init();
  return app.getHttpServer();
}

/** @type {Record<string, { adapter(uploads: object): Promise<object>, bare(uploads: object): Promise<object> }>} */
export const frameworks = {
  'node:http': {
    adapter: async (uploads) => createServer((await import('waybill/adapters/node')).toNodeHandler(uploads)),
    bare: async (uploads) => createServer(bareNode(uploads)),
  },
  'Express 5': {
    async adapter(uploads) {
      const { default: express } = await import('express');
      const { toExpressHandler } = await import('waybill/adapters/express');
      return createServer(express().use(toExpressHandler(uploads)));
    },
    async bare(uploads) {
      const { default: express } = await import('express');
      return createServer(express().use(bareNode(uploads)));
    },
  },
  'Fastify 5': {
    async adapter(uploads) {
      const { default: fastify } = await import('fastify');
      const { toFastifyPlugin } = await import('waybill/adapters/fastify');
      const app = fastify();
      app.register(toFastifyPlugin(uploads));
      await app.ready();
      return app.server;
    },
    async bare(uploads) {
      const { default: fastify } = await import('fastify');
      const app = fastify();
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, _payload, done) => done(null));
      const handle = bareNode(uploads);
      app.post('/uploads', (request, reply) => {
        reply.hijack();
        return handle(request.raw, reply.raw);
      });
      await app.ready();
      return app.server;
    },
  },
  'Hono 4': {
    async adapter(uploads) {
      const { Hono } = await import('hono');
      const { toHonoHandler } = await import('waybill/adapters/hono');
      return serveFetch(new Hono().use(toHonoHandler(uploads)).fetch);
    },
    async bare(uploads) {
      const { Hono } = await import('hono');
      const handle = bareFetch(uploads);
      return serveFetch(new Hono().use((context) => handle(context.req.raw)).fetch);
    },
  },
  'Koa 3': {
    async adapter(uploads) {
      const { default: Koa } = await import('koa');
      const { toKoaHandler } = await import('waybill/adapters/koa');
      return createServer(new Koa().use(toKoaHandler(uploads)).callback());
    },
    async bare(uploads) {
      const { default: Koa } = await import('koa');
      const handle = bareNode(uploads);
      const middleware = (context) => {
        context.respond = false;
        return handle(context.req, context.res);
      };
      return createServer(new Koa().use(middleware).callback());
    },
  },
  'h3 2': {
    async adapter(uploads) {
      const { H3 } = await import('h3');
      const { toH3Handler } = await import('waybill/adapters/h3');
      const app = new H3().use(toH3Handler(uploads));
      return serveFetch((request) => app.fetch(request));
    },
    async bare(uploads) {
      const { H3 } = await import('h3');
      const handle = bareFetch(uploads);
      const app = new H3().use((event) => handle(event.req));
      return serveFetch((request) => app.fetch(request));
    },
  },
  'NestJS 12 on Express': {
    adapter: async (uploads) =>
      createNestServer([(await import('waybill/adapters/nest')).WaybillModule.forRoot({ uploads })], []),
    async bare(uploads) {
      const { Controller, Post, Req, Res } = await import('@nestjs/common');
      const respond = bareNode(uploads);
      class Uploads {
        grant(request, response) {
          return respond(request, response);
        }
      }
      Req()(Uploads.prototype, 'grant', 0);
      Res()(Uploads.prototype, 'grant', 1);
      Post('uploads')(Uploads.prototype, 'grant', Object.getOwnPropertyDescriptor(Uploads.prototype, 'grant'));
      Controller()(Uploads);
      return createNestServer([], [Uploads]);
    },
  },
  'the Fetch API': {
    adapter: async (uploads) => serveFetch((await import('waybill/adapters/fetch')).toFetchHandler(uploads)),
    bare: async (uploads) => serveFetch(bareFetch(uploads)),
  },
  "Next.js's route handlers": {
    adapter: async (uploads) => serveFetch((await import('waybill/adapters/next')).toNextHandler(uploads).POST),
    bare: async (uploads) => serveFetch(bareFetch(uploads)),
  },
  "SvelteKit's hook": {
    async adapter(uploads) {
      const handle = (await import('waybill/adapters/sveltekit')).toSvelteKitHandle(uploads);
      return serveFetch((request) => handle({ event: { request, locals: {} }, resolve: () => new Response() }));
    },
    bare: async (uploads) => serveFetch(bareFetch(uploads)),
  },
  "React Router's action": {
    async adapter(uploads) {
      const { action } = (await import('waybill/adapters/react-router')).toReactRouterHandler(uploads);
      return serveFetch((request) => action({ request, params: {} }));
    },
    bare: async (uploads) => serveFetch(bareFetch(uploads)),
  },
  Lambda: {
    adapter: async (uploads) => serveLambda((await import('waybill/adapters/lambda')).toLambdaHandler(uploads)),
    bare: async (uploads) => serveLambda(bareLambda(uploads)),
  },
};
