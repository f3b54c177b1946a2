// A Worker's module: Fetch in, Fetch out, and `node:` modules from the platform.
import { uploads } from './uploads.js';

export default { fetch: (request) => uploads.fetch(request) };
