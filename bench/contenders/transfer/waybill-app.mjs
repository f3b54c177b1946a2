/** The server of waybill-server.mjs in a separate process that is measured. */
import { createServer } from 'node:http';
import * as server from './waybill-server.mjs';

export const start = (options) => createServer(server.start(options));
