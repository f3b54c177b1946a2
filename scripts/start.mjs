#!/usr/bin/env node
/** `npm start` installs and builds when that is needed, and then runs `waybill dev`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root, stopWithNpm } from './lib/run.mjs';

requireNode();
stopWithNpm();
await ensureInstalled();
if (!(await ensureBuilt())) process.exit(1);

// `waybill dev` runs in this process, so that a signal arrives once. A second signal ends it at once.
const main = join(root, 'dist/cli/main.js');
process.chdir(root);
process.argv = [process.execPath, main, 'dev', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
