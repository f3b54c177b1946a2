#!/usr/bin/env node
/**
 * `npm run docs` writes the parts of docs/ that are generated from the sources: reference.md, and the errors in
 * protocol.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root, say } from './lib/run.mjs';

requireNode();
await ensureInstalled();

const { renderReference } = await import('./lib/reference.mjs');
const { withErrorTable } = await import('./lib/error-table.mjs');
write('docs/reference.md', renderReference(root));
write('docs/protocol.md', withErrorTable(root, readFileSync(join(root, 'docs/protocol.md'), 'utf8')));

function write(/** @type {string} */ path, /** @type {string} */ text) {
  writeFileSync(join(root, path), text);
  say(`Wrote ${path}.`);
}
