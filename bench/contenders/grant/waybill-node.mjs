import { createServer } from 'node:http';
import { toNodeHandler } from 'waybill/adapters/node';
import { createApp } from './waybill.mjs';

export const start = (options) => createServer(toNodeHandler(createApp(options)));
