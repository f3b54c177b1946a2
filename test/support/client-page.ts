/**
 * The client on a page of its own origin, the app's server on a second, the store wherever it is. Pages get `waybill`
 * (what waybill/client exports), `createPut`, an `<input type="file" multiple>`, and `track(upload)`.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { toNodeHandler } from '../../src/adapters/node.ts';
import type { UploadSnapshot } from '../../src/client/types.ts';
import { MiB } from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';

const script = `
import * as waybill from './client/index.ts';
import { createPut } from './client/put.ts';
Object.assign(window, { waybill, createPut, track });
/** Plain data of how an upload went, whatever way it ended. */
async function track(upload) {
  const snapshots = [upload.getSnapshot()];
  upload.subscribe(() => snapshots.push(upload.getSnapshot()));
  await upload.done.catch(() => {});
  const last = upload.getSnapshot();
  return { ...last, error: last.error && { ...last.error.toJSON(), message: last.error.message }, snapshots: snapshots.map((snapshot) => ({ ...snapshot, error: null })) };
}
`;

export interface Tracked extends Omit<UploadSnapshot, 'error'> {
  error: { code: string; message: string; details?: Record<string, unknown> } | null;
  snapshots: UploadSnapshot[];
}

export interface ClientPage {
  /** Where the page is. */
  readonly url: string;
  /** Where the app's server is, on another origin. */
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function openClientPage(
  storage: Storage,
  options: { expiresInSeconds?: number; allowPage?: boolean; formMaxBytes?: number } = {},
): Promise<ClientPage> {
  const scripts = await bundleScripts(script);
  const page = createServer((request, response) => {
    const text = scripts.get(request.url?.slice(1) ?? '');
    response.setHeader('content-type', text === undefined ? 'text/html' : 'text/javascript');
    response.end(
      text ??
        '<!doctype html><title>client</title><input type="file" multiple><script type="module" src="/page.js"></script>',
    );
  });
  const url = await listen(page);
  const { allowPage = true, ...rest } = options;
  const uploads = createUploads({
    storage,
    secret: 'client-page-secret-of-more-than-32-characters',
    allowedOrigins: allowPage ? [url] : ['http://elsewhere.example'],
    ...rest,
    routes: {
      files: route({
        limits: { maxBytes: 64 * MiB, contentTypes: ['text/plain', 'image/*'] },
        authorize: () => ({ ownerId: 'alice' }),
        onComplete: ({ file }) => ({ stored: file.size }),
      }),
    },
  });
  const app = createServer(toNodeHandler(uploads));
  const endpoint = `${await listen(app)}/uploads`;
  return {
    url,
    endpoint,
    async close() {
      await Promise.all([stop(page), stop(app)]);
    },
  };
}

/** What a page loads as `/page.js`, and its chunks, by their names. @param contents a script in src/ */
export async function bundleScripts(contents: string): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../../src/', import.meta.url)), loader: 'js' },
    entryNames: 'page',
    bundle: true,
    splitting: true,
    format: 'esm',
    conditions: ['@waybill/source'],
    write: false,
    outdir: '/',
  });
  return new Map(outputFiles.map((file) => [file.path.replace(/.*[/\\]/, ''), file.text]));
}

/** @param port 0: any free one */
export async function listen(server: Server, port = 0): Promise<string> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
