// Serves uploads on Bun, Deno and Node: `server.js fetch|node:http [file of the ledger]`.
import { createServer } from 'node:http';
import { toFetchHandler } from 'waybill/adapters/fetch';
import { toNodeHandler } from 'waybill/adapters/node';
import { createApp } from './uploads.js';

const [api, file] = process.argv.slice(2);
const ledger = file ? await (await import('waybill/ledger/sqlite')).sqliteLedger({ file }) : undefined;
const uploads = createApp(ledger);
await uploads.preload();

const address = { hostname: '127.0.0.1', port: 0 };
const announcePort = ({ port }) => console.log(`Open http://127.0.0.1:${port}`);
if (api === 'node:http') {
  const server = createServer(toNodeHandler(uploads));
  server.listen(address.port, address.hostname, () => announcePort(server.address()));
} else if (globalThis.Bun) announcePort(Bun.serve({ ...address, fetch: toFetchHandler(uploads) }));
else Deno.serve({ ...address, onListen: announcePort }, toFetchHandler(uploads));
