#!/usr/bin/env node
/**
 * Runs everything for .ci/run, in a fresh clone with nothing installed: `npm start` in an empty clone, then `npm test`,
 * then the rest of `npm run test:all`. Each command writes its counts to a file, and the last line is the sum. This
 * file has no dependencies.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { proveBareStart } from './lib/bare-start.mjs';
import { npm, requireNode, root } from './lib/run.mjs';
import { createTally } from './lib/tally.mjs';

requireNode();
process.env.CI = 'true';
const tally = createTally();
await proveBareStart(tally);
await runCounted('test', ['test']);
await runCounted('rest', ['run', 'test:all', '--', '--rest']);
process.exitCode = tally.close();

/** Runs one npm command and adds its counts. */
async function runCounted(name, command) {
  const file = join(root, '.cache', `counts-${name}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(file, { force: true });
  const code = await npm(command, { env: { ...process.env, WAYBILL_COUNTS_FILE: file } });
  const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: [], skipped: [] };
  tally.add(counts);
  if (code !== 0 && counts.failed.length === 0) tally.check(`npm ${command.join(' ')} ended with ${code}`, false);
}
