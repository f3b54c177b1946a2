/** Requests whose body other code has read, as frameworks and platforms do, and HTTP/2. */
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { type ClientHttp2Session, connect, createServer as createHttp2Server, type Http2Server } from 'node:http2';
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
const maxBodyBytes = 20_000;

function createApp(options: object = {}) {
  const routes = {
    a: route({
      limits: { maxBytes: 1000 },
      authorize: ({ request }) => {
        seen = request;
        return { ownerId: 'anna' };
      },
    }),
  };
  return createTestApp(storage, routes, { maxBodyBytes, ...options });
}

const closing: (() => Promise<unknown>)[] = [];

async function listen(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
    return once(server, 'close');
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const declared = { route: 'a', files: [createApp().declare(png)] };
const body = JSON.stringify(declared);

async function post(url: string, text: string | ReadableStream = body) {
  const answer = await fetch(`${url}/uploads`, {
    method: 'POST',
    body: text,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(10_000),
    ...(typeof text === 'string' ? {} : { duplex: 'half' }),
  } as RequestInit);
  return { status: answer.status, json: (await answer.json()) as { error?: { code: string; message: string } } };
}

type Request = IncomingMessage & { body?: unknown; rawBody?: unknown; originalUrl?: string };

/** Reads the body as middleware does, and changes the request before Waybill gets it. */
function readFirst(change: (request: Request, text: string) => void): RequestListener {
  const handler = toNodeHandler(createApp().uploads);
  return async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    change(request as Request, Buffer.concat(chunks).toString());
    handler(request, response);
  };
}

describe('a body that other code has read', () => {
  it.each<[string, (request: Request, text: string) => void]>([
    ['an object', (request, text) => Object.assign(request, { body: JSON.parse(text) })],
    ['a string', (request, text) => Object.assign(request, { body: text })],
    ['a Buffer', (request, text) => Object.assign(request, { body: Buffer.from(text) })],
    ['a Uint8Array', (request, text) => Object.assign(request, { body: new TextEncoder().encode(text) })],
    [
      "an object beside rawBody, as in Firebase's functions",
      (request, text) => Object.assign(request, { body: JSON.parse(text), rawBody: Buffer.from(text) }),
    ],
    [
      'a getter that parses, as in Next and on Vercel',
      (request, text) => Object.defineProperty(request, 'body', { get: () => JSON.parse(text) }),
    ],
  ])('is taken from request.body: %s', async (_, change) => {
    expect(await post(await listen(readFirst(change)))).toMatchObject({ status: 200, json: { uploads: [{}] } });
  });

  it('is invalid_request when the getter throws', async () => {
    const url = await listen(
      readFirst((request) =>
        Object.defineProperty(request, 'body', {
          get() {
            throw new SyntaxError('Invalid JSON');
          },
        }),
      ),
    );
    expect(await post(url)).toMatchObject({ status: 400, json: { error: { code: 'invalid_request' } } });
  });

  it.each<[string, RequestListener]>([
    ['read completely', readFirst(() => {})],
    [
      'read in part',
      (() => {
        const handler = toNodeHandler(createApp().uploads);
        return async (request, response) => {
          await once(request, 'readable');
          request.read(5);
          handler(request, response);
        };
      })(),
    ],
    [
      'read completely before Express',
      express()
        .use(async (request, _, next) => {
          for await (const chunk of request) expect(chunk).toBeDefined();
          next();
        })
        .use(toExpressHandler(createApp().uploads)) as RequestListener,
    ],
  ])('is internal_error with advice when its bytes are gone: %s', async (_, listener) => {
    const { status, json } = await post(await listen(listener));
    expect([status, json.error?.code]).toEqual([500, 'internal_error']);
    expect(json.error?.message).toMatch(/express\.json\(\).*request\.body/);
  });

  it.each<[string, unknown, number]>([
    ['an object', { ...declared, x: 'y'.repeat(maxBodyBytes) }, 413],
    ['a string', JSON.stringify({ ...declared, x: 'y'.repeat(maxBodyBytes) }), 413],
    ['a Buffer', Buffer.from(JSON.stringify({ ...declared, x: 'y'.repeat(maxBodyBytes) })), 413],
    ['a cycle', cycle(), 400],
    ['a function', () => {}, 400],
  ])('is limited by maxBodyBytes: %s', async (_, parsed, status) => {
    const url = await listen(readFirst((request) => Object.assign(request, { body: parsed })));
    expect((await post(url)).status).toBe(status);
  });

  it.each(['chunked', 'declared'])(
    'is limited by maxBodyBytes behind express.json() with a larger limit: %s',
    async (how) => {
      const app = express();
      app.use(express.json({ limit: '20mb' }));
      app.use(toExpressHandler(createApp().uploads));
      const text = JSON.stringify({ ...declared, x: 'y'.repeat(5_000_000) });
      const url = await listen(app);
      expect((await post(url, how === 'chunked' ? new Blob([text]).stream() : text)).status).toBe(413);
    },
  );

  it('works behind express.json() with toNodeHandler', async () => {
    const app = express();
    app.use(express.json());
    app.use(toNodeHandler(createApp().uploads));
    expect((await post(await listen(app))).status).toBe(200);
  });
});

describe('a body that no other code has read', () => {
  const untouched = (change: (request: Request) => void): RequestListener => {
    const handler = toNodeHandler(createApp().uploads);
    return async (request, response) => {
      change(request as Request);
      // Stands for middleware that waits for something else, such as a session.
      await new Promise((resolve) => setImmediate(resolve));
      handler(request, response);
    };
  };

  it.each<[string, (request: Request) => void]>([
    ['unchanged', () => {}],
    ['with the empty body that parsers of Express 4 set', (request) => Object.assign(request, { body: {} })],
    ['paused', (request) => request.pause()],
    ['with an encoding', (request) => request.setEncoding('utf8')],
    ['without originalUrl', (request) => Object.assign(request, { originalUrl: undefined })],
  ])('is read: %s', async (_, change) => {
    expect((await post(await listen(untouched(change)))).status).toBe(200);
  });

  it('works in toExpressHandler without Express', async () => {
    const handler = toExpressHandler(createApp().uploads);
    const url = await listen((request, response) => handler(request, response, () => response.writeHead(404).end()));
    expect((await post(url)).status).toBe(200);
  });

  it('is invalid_request when the connection closes early', async () => {
    let resolve: (event: unknown) => void = () => {};
    const failed = new Promise<unknown>((resolved) => {
      resolve = resolved;
    });
    const { uploads } = createApp({
      onEvent: (event: { type: string }) => event.type === 'request.failed' && resolve(event),
    });
    const url = await listen(toNodeHandler(uploads));
    const headers = { 'content-type': 'application/json', 'content-length': '1000' };
    const request = httpRequest(`${url}/uploads`, { method: 'POST', headers });
    request.on('error', () => {});
    request.write('{"a":', () => request.destroy());
    expect(await failed).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});

function cycle(): unknown {
  const one: Record<string, unknown> = {};
  one.one = one;
  return one;
}

describe('HTTP/2', () => {
  async function open(options: object = {}) {
    const server: Http2Server = createHttp2Server(
      toNodeHandler(createApp(options).uploads) as unknown as Parameters<typeof createHttp2Server>[1],
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client: ClientHttp2Session = connect(origin);
    closing.push(async () => {
      client.destroy();
      server.close();
      await once(server, 'close');
    });
    async function ask(text: string, headers: Record<string, string> = {}, path = '/uploads', ends = true) {
      const stream = client.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/json',
        ...headers,
      });
      if (ends) stream.end(text);
      else stream.write(text);
      const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
      let answer = '';
      for await (const chunk of stream) answer += chunk;
      return { status: head[':status'], head, json: JSON.parse(answer) as { error?: { code: string } } };
    }
    return { origin, ask };
  }

  it('hides pseudo-headers and takes the host from :authority', async () => {
    const { origin, ask } = await open();
    expect((await ask(body, { authorization: 'Bearer x' })).status).toBe(200);
    const host = origin.slice('http://'.length);
    expect([seen?.header('host'), seen?.headers.get('host')]).toEqual([host, host]);
    expect([...(seen?.headers ?? [])].map(([name]) => name).sort()).toEqual(['authorization', 'content-type', 'host']);
    expect(seen?.header('authorization')).toBe('Bearer x');
  });

  it('joins a cookie that was split', async () => {
    const { ask } = await open();
    const cookie = ['a=1', 'b=2'] as unknown as string;
    expect((await ask(body, { cookie })).status).toBe(200);
    expect([seen?.header('cookie'), seen?.headers.get('cookie')]).toEqual(['a=1; b=2', 'a=1; b=2']);
  });

  it('accepts pages of its own origin and refuses those of others', async () => {
    const { origin, ask } = await open();
    expect((await ask(body, { cookie: 'a=b', origin })).status).toBe(200);
    expect((await ask(body, { cookie: 'a=b', origin: 'http://evil.test' })).status).toBe(403);
  });

  it('answers 413 to a body that is too large or does not end, and keeps the connection', async () => {
    const { ask } = await open();
    const long = await ask(' '.repeat(maxBodyBytes + 1));
    expect([long.status, long.head.connection]).toEqual([413, undefined]);
    expect((await ask(' '.repeat(maxBodyBytes + 1), {}, '/uploads', false)).status).toBe(413);
    expect((await ask(body)).status).toBe(200);
  });
});
