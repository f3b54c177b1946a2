#!/usr/bin/env node
/** `npm run check`: lint, words and types. `npm run fix`: lint repairs what it can; words and types are not checked. */
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, tool } from './lib/run.mjs';
import { checkWords } from './lib/words.mjs';

requireNode();
await ensureInstalled();

const fix = process.argv.includes('--write');
process.exitCode = await tool('@biomejs/biome/bin/biome', ['check', ...(fix ? ['--write'] : []), '.']);
if (!fix) process.exitCode ||= checkWords();
if (!fix) process.exitCode ||= await tool('typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']);
