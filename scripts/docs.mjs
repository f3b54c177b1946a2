#!/usr/bin/env node
/**
 * `npm run docs` writes what is generated from the sources (docs/reference.md, docs/errors.md, the errors in
 * docs/protocol.md, and the worker of client/prepare) and builds the document site in .cache/site.
 *
 *     npm run docs -- --dev         serves the site, and follows changes of its pages
 *     npm run docs -- --generate    only writes the generated parts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureFolderInstalled, ensureInstalled } from './lib/install.mjs';
import { requireNode, root, say, stopWithNpm } from './lib/run.mjs';

requireNode();
await ensureInstalled();

const flags = process.argv.slice(2);
const unknown = flags.filter((flag) => !['--dev', '--generate'].includes(flag));
if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(', ')}. The options are --dev and --generate.`);
  process.exit(2);
}

const { renderReference } = await import('./lib/reference.mjs');
const { renderWorkerCode, workerCodePath } = await import('./lib/worker-code.mjs');
const { withErrorTable } = await import('./lib/error-table.mjs');
const { renderErrorPage } = await import('./lib/error-page.mjs');
write('docs/reference.md', renderReference(root));
write('docs/errors.md', renderErrorPage(root));
write('docs/protocol.md', withErrorTable(root, readFileSync(join(root, 'docs/protocol.md'), 'utf8')));
write(workerCodePath, await renderWorkerCode(root));

if (!flags.includes('--generate')) {
  await ensureFolderInstalled('site', 'VitePress');
  stopWithNpm();
  // VitePress runs in this process, so that a signal arrives once. It ends the process with 1 when a link is dead.
  const cli = join(root, 'site/node_modules/vitepress/bin/vitepress.js');
  process.argv = [process.execPath, cli, flags.includes('--dev') ? 'dev' : 'build', join(root, 'site')];
  await import(pathToFileURL(cli).href);
}

function write(/** @type {string} */ path, /** @type {string} */ text) {
  writeFileSync(join(root, path), text);
  say(`Wrote ${path}.`);
}
