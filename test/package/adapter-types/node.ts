import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { toNodeHandler } from 'waybill/adapters/node';
import { create } from './create.js';

export const uploads = create((request) => request.header('x-user'));
createServer(toNodeHandler(uploads));
createSecureServer({ allowHTTP1: true }, toNodeHandler(uploads));
// @ts-expect-error these are no uploads
toNodeHandler({ handle: 'nothing' });
