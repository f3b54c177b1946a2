/** Server and page on one origin: the uploads handler, the counts, the built page. The store listens elsewhere. */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Storage } from '../../s3/index.ts';
import {
  createUploads,
  type Ledger,
  route,
  type StandardSchema,
  startUpkeep,
  type Uploads,
  type UploadsEvent,
} from '../../server/index.ts';
import { hostGuard } from './guard.ts';
import { createPage } from './page.ts';
import type { Ways } from './ways.ts';
import { grantedUploads } from './ways-answers.ts';

export interface DevServerOptions {
  storage: Storage;
  /** Seals grants and view URLs. */
  secret: string;
  /** Where the built page is. */
  pageDir: string;
  ways: Ways;
  /** Names by which others may reach it, besides its addresses and localhost. */
  hostNames?: readonly string[];
  /** Other origins whose pages may call. @default none */
  allowedOrigins?: readonly string[];
  onEvent?: (event: UploadsEvent) => void;
  /** Records uploads, sweeps and counts, as production does. @default none: the store remembers by itself */
  ledger?: Ledger;
}

export interface DevServer {
  /** Tries the store: see `uploads.check()`. */
  check: Uploads['check'];
  listen(options: { port: number; host: string }): Promise<{ port: number }>;
  close(): Promise<void>;
}

/** Everything on one file system, for one developer: whoever reaches this server is the same owner. */
const owner = { ownerId: 'dev' };

/** Where a file was below the folder that was sent. By hand: no validator is worth loading for one field. */
const placed: StandardSchema<{ relativePath?: string } | undefined> = {
  '~standard': {
    version: 1,
    vendor: 'waybill',
    validate(value) {
      if (value === undefined) return { value: undefined };
      if (typeof value !== 'object' || value === null) return { issues: [{ message: 'is not an object' }] };
      const { relativePath, ...others } = value as Record<string, unknown>;
      const [unknown] = Object.keys(others);
      if (unknown !== undefined) return { issues: [{ message: 'is not known here', path: [unknown] }] };
      if (relativePath === undefined) return { value: {} };
      if (typeof relativePath !== 'string' || relativePath.length > 1024)
        return { issues: [{ message: 'is not a path', path: ['relativePath'] }] };
      return { value: { relativePath } };
    },
  },
};

const routes = {
  files: route({
    // Enough for a film. Types that a browser would run stay out.
    limits: { maxBytes: 50_000_000_000, maxFiles: 100 },
    metadata: placed,
    authorize: () => owner,
    onComplete: ({ file, metadata }) => ({ key: file.key, ...metadata }),
  }),
  photos: route({
    limits: { contentTypes: ['image/*'], maxBytes: 20_000_000, maxFiles: 100 },
    metadata: placed,
    authorize: () => owner,
    onComplete: ({ file, metadata }) => ({ key: file.key, ...metadata }),
  }),
};

export type DevUploads = ReturnType<typeof createDevUploads>;

function createDevUploads(options: DevServerOptions) {
  return createUploads({
    storage: options.storage,
    secret: options.secret,
    routes,
    ...(options.allowedOrigins ? { allowedOrigins: options.allowedOrigins } : {}),
    ...(options.onEvent ? { onEvent: options.onEvent } : {}),
    ...(options.ledger ? { ledger: options.ledger } : {}),
  });
}

/** @throws CliError when there is no built page */
export async function createDevServer(options: DevServerOptions): Promise<DevServer> {
  const { storage, ways } = options;
  const uploads = createDevUploads(options);
  const app = new Hono<{ Bindings: { incoming: IncomingMessage } }>();
  app.use(hostGuard(options.hostNames ?? []));

  const handle = async (context: Context<{ Bindings: { incoming: IncomingMessage } }>) => {
    const answer = await uploads.fetch(context.req.raw);
    const text = context.req.method === 'POST' ? await answer.clone().text() : '';
    if (text !== '') ways.handled(ways.arrived(context.env.incoming), grantedUploads(text, storage.bucket));
    return answer;
  };
  for (const path of ['/uploads', '/uploads/*', '/files/*']) app.all(path, handle);
  app.get('/dev/ways/:uploadId', (context) => {
    const way = ways.of(context.req.param('uploadId'));
    return way ? context.json(way, 200, { 'cache-control': 'no-store' }) : context.json({ error: 'unknown' }, 404);
  });
  const setup = {
    endpoint: '/uploads',
    waysUrl: '/dev/ways',
    storeName: `${new URL(storage.publicOrigin).host}/${storage.bucket}`,
    takesPaths: true,
    services: [
      { route: 'files', title: 'Files' },
      { route: 'photos', title: 'Photos' },
    ],
  };
  app.route('/', await createPage({ dir: options.pageDir, setup, origins: storage.publicOrigins }));

  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  ways.watch(server);
  const upkeep = options.ledger && startUpkeep(uploads);
  return {
    check: uploads.check,
    async listen({ port, host }) {
      server.listen(port, host);
      await once(server, 'listening');
      return { port: (server.address() as AddressInfo).port };
    },
    async close() {
      await upkeep?.stop();
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
