/** The same server as waybill-server.mjs, alone in a process that is measured. */
import { createServer } from 'node:http';
import * as server from './waybill-server.mjs';

export const start = (options) => createServer(server.start(options));
