/** One replica of the app in its own process. The test kills and restarts it at random moments. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '../../src/adapters/node.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { s3Storage } from '../../src/s3/index.ts';
import { createUploads, startUpkeep } from '../../src/server/index.ts';
import { type CrashConfig, createRoutes } from './config.ts';

const config = JSON.parse(process.argv[2] as string) as CrashConfig & { skewMs: number };
const now = () => Date.now() + config.skewMs;
const ledger = await openLedger(config.ledger);
const uploads = createUploads({
  storage: s3Storage({ ...config.storage, now }),
  secret: config.secret,
  events: { secret: config.eventsSecret },
  ledger,
  now,
  multipartMinBytes: 5 * 1024 * 1024,
  quota: { maxFiles: 1_000_000 },
  routes: createRoutes(async (uploadId) => {
    const answer = await fetch(`${config.announceUrl}/${uploadId}`, { method: 'POST' });
    if (!answer.ok) throw new Error(`The announce URL answered ${answer.status}.`);
  }),
});
startUpkeep(uploads, { everySeconds: 2, onError: () => {} });
const handle = toNodeHandler(uploads);
const server = createServer(handle);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
// The test process has ended.
process.on('disconnect', () => process.exit());
process.send?.({ port: (server.address() as AddressInfo).port });
