// The module of a Worker, which answers Fetch requests with the `node:` modules of the platform.
import { toFetchHandler } from 'waybill/adapters/fetch';
import { uploads } from './uploads.js';

export default { fetch: toFetchHandler(uploads) };
