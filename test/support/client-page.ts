/**
 * Serves a page with the client and an app server, on two origins. The page defines `waybill` (the exports of
 * waybill/client), `createPut`, `track(upload)` and an `<input type="file" multiple>`.
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
/** Waits for the end of an upload and returns its snapshots as plain data. */
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
  readonly url: string;
  /** The upload endpoint of the app server, on another origin than the page. */
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function openClientPage(
  storage: Storage,
  options: { expiresInSeconds?: number; allowPage?: boolean; formMaxBytes?: number; extraScript?: string } = {},
): Promise<ClientPage> {
  const { allowPage = true, extraScript = '', ...rest } = options;
  const scripts = await bundleScripts(script + extraScript);
  const page = createServer((request, response) => {
    const text = scripts.get(request.url?.slice(1) ?? '');
    response.setHeader('content-type', text === undefined ? 'text/html' : 'text/javascript');
    response.end(
      text ??
        '<!doctype html><title>client</title><input type="file" multiple><script type="module" src="/page.js"></script>',
    );
  });
  const url = await listen(page);
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

/**
 * Bundles a script for `/page.js`. Returns the files by name. @param contents source text that is resolved from src/
 */
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

/** @param port 0 selects a free port */
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
