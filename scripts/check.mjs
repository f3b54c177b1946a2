#!/usr/bin/env node
/** `npm run check`: lint and types. `npm run fix` is the same with `--write`: lint repairs what it can, and types are left out. */
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, tool } from './lib/run.mjs';

requireNode();
await ensureInstalled();

const fix = process.argv.includes('--write');
const linted = await tool('@biomejs/biome/bin/biome', ['check', ...(fix ? ['--write'] : []), '.']);
process.exitCode = linted !== 0 || fix ? linted : await tool('typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']);
