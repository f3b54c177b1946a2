/**
 * The development server: the uploads handler, transfer statistics and the built page. The devstore has its own port.
 */
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
import { findAnsweredUploads } from './answered-uploads.ts';
import { hostGuard } from './guard.ts';
import { createPage } from './page.ts';
import type { TransferCounter } from './transfer-stats.ts';

export interface DevServerOptions {
  storage: Storage;
  /** Seals grants and view URLs. */
  secret: string;
  /** The folder of the built page. */
  pageDir: string;
  transferCounter: TransferCounter;
  /** Host names to accept besides localhost and IP addresses. */
  hostNames?: readonly string[];
  /** Other origins whose pages may call. @default [] */
  allowedOrigins?: readonly string[];
  onEvent?: (event: UploadsEvent) => void;
  /** Records uploads, as in production. @default no ledger: the state is kept in the storage */
  ledger?: Ledger;
}

export interface DevServer {
  /** Checks the storage, see `uploads.check()`. */
  check: Uploads['check'];
  listen(options: { port: number; host: string }): Promise<{ port: number }>;
  close(): Promise<void>;
}

/** All users of this server are the same owner. */
const owner = { ownerId: 'dev' };

/** The path of a file below the folder that was sent. Written by hand to avoid loading a validator for one field. */
const relativePathSchema: StandardSchema<{ relativePath?: string } | undefined> = {
  '~standard': {
    version: 1,
    vendor: 'waybill',
    validate(value) {
      if (value === undefined) return { value: undefined };
      if (typeof value !== 'object' || value === null) return { issues: [{ message: 'is not an object' }] };
      const { relativePath, ...others } = value as Record<string, unknown>;
      const [unknown] = Object.keys(others);
      if (unknown !== undefined) return { issues: [{ message: 'is not a known field', path: [unknown] }] };
      if (relativePath === undefined) return { value: {} };
      if (typeof relativePath !== 'string' || relativePath.length > 1024)
        return { issues: [{ message: 'is not a path', path: ['relativePath'] }] };
      return { value: { relativePath } };
    },
  },
};

const routes = {
  files: route({
    limits: { maxBytes: 50_000_000_000, maxFiles: 100 },
    metadata: relativePathSchema,
    authorize: () => owner,
    onComplete: ({ file, metadata }) => ({ key: file.key, ...metadata }),
  }),
  photos: route({
    limits: { contentTypes: ['image/*'], maxBytes: 20_000_000, maxFiles: 100 },
    metadata: relativePathSchema,
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
  const { storage, transferCounter } = options;
  const uploads = createDevUploads(options);
  const app = new Hono<{ Bindings: { incoming: IncomingMessage } }>();
  app.use(hostGuard(options.hostNames ?? []));

  const handleUploads = async (context: Context<{ Bindings: { incoming: IncomingMessage } }>) => {
    const answer = await uploads.fetch(context.req.raw);
    const text = context.req.method === 'POST' ? await answer.clone().text() : '';
    if (text !== '') {
      const bytesIn = transferCounter.countBytes(context.env.incoming);
      transferCounter.addRequest(bytesIn, findAnsweredUploads(text, storage.bucket));
    }
    return answer;
  };
  for (const path of ['/uploads', '/uploads/*', '/files/*']) app.all(path, handleUploads);
  app.get('/dev/transfer-stats/:uploadId', (context) => {
    const stats = transferCounter.find(context.req.param('uploadId'));
    return stats ? context.json(stats, 200, { 'cache-control': 'no-store' }) : context.json({ error: 'unknown' }, 404);
  });
  const setup = {
    endpoint: '/uploads',
    transferStatsUrl: '/dev/transfer-stats',
    storageName: `${new URL(storage.publicOrigin).host}/${storage.bucket}`,
    acceptsRelativePath: true,
    routes: [
      { route: 'files', title: 'Files' },
      { route: 'photos', title: 'Photos' },
    ],
  };
  app.route('/', await createPage({ dir: options.pageDir, setup, origins: storage.publicOrigins }));

  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  transferCounter.watch(server);
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
