#!/usr/bin/env node
/** `npm run build`: dist/ from scratch, whatever was there. */
import { build } from './lib/build.mjs';
import { requireNode, timed } from './lib/run.mjs';

requireNode();
process.exitCode = (await timed('Building', build)) ? 0 : 1;
