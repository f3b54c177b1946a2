/** A program of a user: it uploads a file on Node, with the installed tarball only. */
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KiB } from 'waybill';
import { toNodeHandler } from 'waybill/adapters/node';
import { createClient } from 'waybill/client/node';
import { createDevstore } from 'waybill/devstore';
import { s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';

const credentials = { accessKeyId: 'consumer', secretAccessKey: 'a-secret-of-the-consumer' };
const devstore = await createDevstore({
  dir: join(tmpdir(), `waybill-consumer-${process.pid}`),
  credentials: [credentials],
  buckets: ['consumer'],
});
const { url: endpoint } = await devstore.listen();

export const uploads = createUploads({
  storage: s3Storage({ bucket: 'consumer', endpoint, credentials, capabilities: 'devstore' }),
  secret: 'a-secret-of-at-least-thirty-two-characters',
  routes: {
    notes: route({
      limits: { contentTypes: ['text/plain'], maxBytes: 64 * KiB },
      authorize: ({ request }) => (request.header('authorization') === 'Bearer ada' ? { ownerId: 'ada' } : null),
      onComplete: ({ file }) => ({ stored: file.size }),
    }),
  },
});

const server = createServer(toNodeHandler(uploads)).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const address = server.address();
if (typeof address !== 'object' || !address) throw new Error('not listening');

const client = createClient<typeof uploads>({
  endpoint: `http://127.0.0.1:${address.port}/uploads`,
  headers: () => ({ authorization: 'Bearer ada' }),
});
const { file, data } = await client.upload('notes', new File(['a note'], 'note.txt', { type: 'text/plain' })).done;
const stored: number = data.stored;

// @ts-expect-error this route does not exist
const wrong = () => client.upload('photos', new Blob());

server.closeAllConnections();
server.close();
await devstore.close();
console.log(JSON.stringify({ fileName: file.fileName, contentType: file.contentType, stored, wrong: typeof wrong }));
