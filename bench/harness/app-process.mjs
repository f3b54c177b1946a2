/**
 * An app: its page, and the servers of all contenders, each under its own path. argv[2] is `{ parts, pages, options }`.
 * A part is `[path, module, more options]`, and `pages` is the folder of the pages' scripts. `start(options)` of a
 * module returns `(request, response) => void`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { parts, pages, options } = JSON.parse(process.argv[2]);
const handlers = new Map();
for (const [path, module, more] of parts)
  handlers.set(path, await (await import(module)).start({ ...options, ...more, path: `/${path}` }));
const files = new Map(readdirSync(pages).map((name) => [name, readFileSync(join(pages, name))]));

const page = (script) => `<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<input type="file" multiple><script type="module" src="${script}"></script>`;

const server = createServer(async (request, response) => {
  const [, first, second] = /^\/([^/?]*)(?:\/([^?]*))?/.exec(request.url) ?? [];
  const handler = handlers.get(first);
  if (handler) {
    try {
      return await handler(request, response);
    } catch (error) {
      console.error(`${request.method} /${first}: ${error.stack}`);
      response.statusCode = 500;
      return response.end();
    }
  }
  if (first === 'page') {
    response.setHeader('content-type', 'text/html');
    return response.end(page(`/files/${second}`));
  }
  const text = first === 'files' ? files.get(second) : undefined;
  response.statusCode = text === undefined ? 404 : 200;
  response.setHeader('content-type', 'text/javascript');
  // Assets are cached as those of an app are.
  response.setHeader('cache-control', 'max-age=31536000, immutable');
  return response.end(text ?? '');
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuSeconds: (user + system) / 1e6, rss: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit());
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
