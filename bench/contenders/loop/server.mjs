/** The app under load. It reports each new longest stall at once, because it will be killed. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { toNodeHandler } from 'waybill/adapters/node';
import { openLedger } from 'waybill/ledger';
import { s3Storage } from 'waybill/s3';
import { createUploads, route, startUpkeep } from 'waybill/server';
import { watchStalls } from '../../harness/stalls.mjs';

const { ledger: url, storage, secret } = JSON.parse(process.argv[2]);
const uploads = createUploads({
  storage: s3Storage(storage),
  secret,
  ledger: await openLedger(url),
  quota: { maxFiles: 1_000_000 },
  routes: {
    files: route({
      limits: { maxBytes: 1_000_000 },
      authorize: ({ request }) => ({ ownerId: request.header('x-user') }),
      onComplete: ({ uploadId }) => ({ uploadId }),
    }),
  },
});
startUpkeep(uploads, { everySeconds: 2 });
const server = createServer(toNodeHandler(uploads));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('disconnect', () => process.exit());
process.send({ port: server.address().port });
watchStalls((longest) => process.send({ longest }));
