// The module of a Worker, which answers Fetch requests with the `node:` modules of the platform.
import { uploads } from './uploads.js';

export default { fetch: (request) => uploads.fetch(request) };
