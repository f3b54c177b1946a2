#!/usr/bin/env node
/** `npm run build`: builds dist/ from scratch, even when it is up to date. */
import { build } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, timed } from './lib/run.mjs';

requireNode();
await ensureInstalled();
process.exitCode = (await timed('Building', build)) ? 0 : 1;
