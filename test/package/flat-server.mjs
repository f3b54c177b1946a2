// The app server of flat-memory.test.ts as a separate process, from the build. Without an endpoint it is a bare
// node:http server. It answers each message of its parent with `{rss, received}`.
import { once } from 'node:events';
import { createServer } from 'node:http';

const [endpoint, bucket, accessKeyId, secretAccessKey] = process.argv.slice(2);
let handler = (_request, response) => response.end('{}');
if (endpoint) {
  const { createUploads, route } = await import('../../dist/server/index.js');
  const { s3Storage } = await import('../../dist/s3/index.js');
  const { toNodeHandler } = await import('../../dist/adapters/node.js');
  const uploads = createUploads({
    storage: s3Storage({ endpoint, bucket, credentials: { accessKeyId, secretAccessKey }, capabilities: 'devstore' }),
    secret: 'a secret of more than thirty-two characters',
    routes: {
      files: route({
        limits: { maxBytes: 5 * 1024 ** 3, contentTypes: ['*/*'] },
        authorize: () => ({ ownerId: 'alice' }),
      }),
    },
  });
  handler = toNodeHandler(uploads);
}
const server = createServer((request, response) => void handler(request, response));
let closed = 0;
const open = new Set();
server.on('connection', (socket) => {
  open.add(socket);
  socket.on('close', () => {
    open.delete(socket);
    closed += socket.bytesRead;
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('message', () => {
  const received = [...open].reduce((sum, socket) => sum + socket.bytesRead, closed);
  process.send({ rss: process.memoryUsage.rss(), received });
});
process.send({ port: server.address().port });
