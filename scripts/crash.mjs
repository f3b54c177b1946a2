#!/usr/bin/env node
/**
 * `npm run test:crash [-- --seeds 20 --from 1 --uploads 2000]` (the defaults) runs test/crash: it kills replicas,
 * restarts the database and makes the storage fail. `npm run test:all` runs one seed with 200 uploads.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, root, run } from './lib/run.mjs';

requireNode();
const options = { seeds: { type: 'string' }, from: { type: 'string' }, uploads: { type: 'string' } };
const { values } = parseArgs({ options });
for (const [name, value] of Object.entries(values))
  if (!/^[1-9]\d{0,6}$/.test(value)) {
    console.error(`--${name} needs a whole number.`);
    process.exit(2);
  }
await ensureInstalled();
process.env.WAYBILL_TEST_SIZE = 'full';
process.env.WAYBILL_CRASH_RUNS = values.seeds ?? '20';
process.env.WAYBILL_CRASH_SEED = values.from ?? '1';
process.env.WAYBILL_CRASH_UPLOADS = values.uploads ?? '2000';
process.exitCode = await run(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/crash']);
