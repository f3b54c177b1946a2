#!/usr/bin/env node
/** `npm run build`: dist/ from scratch, whatever was there. */
import { build } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, timed } from './lib/run.mjs';

requireNode();
await ensureInstalled();
process.exitCode = (await timed('Building', build)) ? 0 : 1;
