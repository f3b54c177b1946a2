// A Node server that esbuild and webpack bundle.
import { createServer } from 'node:http';
import { toNodeHandler } from 'waybill/adapters/node';
import { openLedger } from 'waybill/ledger';
import { queueOf, uploads } from './uploads.js';

if (typeof queueOf !== 'function') throw new Error('The bundle has lost a function.');
const ledger = await openLedger('sqlite::memory:');
const { storedBytes } = await ledger.usage('anna');
if (storedBytes !== 0) throw new Error(`The ledger answered ${storedBytes}.`);
await ledger.close();
const missing = await openLedger('postgres://127.0.0.1/none').catch((error) => error);
if (missing.code !== 'config_invalid') throw missing;
const server = createServer(toNodeHandler(uploads));
server.listen(0, '127.0.0.1', () => console.log(`Open http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => server.close());
