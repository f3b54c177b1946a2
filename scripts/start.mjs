#!/usr/bin/env node
/** `npm start`: from a fresh clone to the running page. Installs and builds when it has to, then runs `waybill dev`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root, stopWithNpm } from './lib/run.mjs';

requireNode();
stopWithNpm();
await ensureInstalled();
if (!(await ensureBuilt())) process.exit(1);

// In this process, so that a signal arrives once. A second one ends `waybill dev` at once.
const main = join(root, 'dist/cli/main.js');
process.chdir(root);
process.argv = [process.execPath, main, 'dev', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
