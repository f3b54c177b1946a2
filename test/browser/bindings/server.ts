/** One origin with the pages of all frameworks and the upload server, and a devstore on another one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { toNodeHandler } from '../../../src/adapters/node.ts';
import { createDevstore } from '../../../src/devstore/index.ts';
import { type Storage, s3Storage } from '../../../src/s3/index.ts';
import { createUploads, route } from '../../../src/server/index.ts';
import { listen, stop } from '../../support/client-page.ts';

function createBindingUploads(storage: Storage) {
  return createUploads({
    storage,
    secret: 'a secret of the bindings with 32 characters',
    routes: {
      notes: route({
        limits: { maxBytes: 1000, contentTypes: ['text/plain'] },
        metadata: v.object({ title: v.string() }),
        authorize: () => ({ ownerId: 'anna' }),
        onComplete: ({ file, metadata }) => ({ title: metadata.title, stored: file.size }),
      }),
      photos: route({
        limits: { maxBytes: 5000, contentTypes: ['image/png'], maxFiles: 3 },
        authorize: () => ({ ownerId: 'anna' }),
      }),
    },
  });
}

export type BindingUploads = ReturnType<typeof createBindingUploads>;

/** @param scripts by path; `/react` is a page with the script `/react.js` */
export async function startBindingServer(scripts: ReadonlyMap<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-bindings-'));
  const credentials = { accessKeyId: 'bindings', secretAccessKey: 'a-secret-of-the-bindings' };
  const store = await createDevstore({ dir, credentials: [credentials], buckets: ['bindings'] });
  const { url: endpoint } = await store.listen();
  const storage = s3Storage({ bucket: 'bindings', endpoint, credentials, capabilities: 'devstore' });
  const uploads = createBindingUploads(storage);
  const handle = toNodeHandler(uploads);
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (uploads.owns(path)) return void handle(request, response);
    const script = scripts.get(path.slice(1));
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(
      script ??
        `<!doctype html><html lang="en"><title>bindings</title><body><script type="module" src="${path}.js"></script>`,
    );
  });
  const url = await listen(server);
  await store.setCors('bindings', [
    {
      allowedOrigins: [url],
      allowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
      allowedHeaders: ['*'],
      exposeHeaders: ['ETag'],
    },
  ]);
  return {
    url,
    async close() {
      await stop(server);
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
