#!/usr/bin/env node
/**
 * `npm test`: everything, from a fresh clone. Installs, brings Chromium and Ceph where it may, and then runs lint, types, the
 * build, every suite, the quick suites on the other Node versions, and the checks of the package. Its last line counts all of
 * it: `N passed, N failed, N skipped`. Under CI whatever would be skipped fails.
 *
 *     npm test -- src/s3        only the suites whose path contains it (the same as npx vitest run src/s3)
 *     npm test -- --one-node    without the other Node versions
 */
import { writeFileSync } from 'node:fs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, say, underCi } from './lib/run.mjs';
import { createTally } from './lib/tally.mjs';

requireNode();
await ensureInstalled();

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const unknown = flags.filter((flag) => flag !== '--one-node');
if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(', ')}. For vitest's own options: npx vitest run ...`);
  process.exit(2);
}

const { ensureBuilt } = await import('./lib/build.mjs');
const { ensureCeph, ensureChromium, ensurePostgres, ensureSharedMimeInfo } = await import('./lib/needs.mjs');
const { checkPackage, lintAndTypes } = await import('./lib/checks.mjs');
const { runOtherNodes, runVitest } = await import('./lib/suites.mjs');

const tally = createTally();
const start = performance.now();

await ensureChromium(tally);
await ensureCeph(tally);
await ensurePostgres(tally);
await ensureSharedMimeInfo(tally);
if (names.length > 0) {
  await runVitest(tally, { names });
} else {
  await lintAndTypes(tally);
  const built = tally.check('build', await ensureBuilt());
  await runVitest(tally, {});
  if (flags.includes('--one-node')) tally.skip('the other Node versions: --one-node');
  else await runOtherNodes(tally);
  if (built) await checkPackage(tally);
}

if (underCi) tally.failWhatWasSkipped();
say(`Ran ${((performance.now() - start) / 1000).toFixed(0)} s`);
process.exitCode = tally.close();
// For scripts/ci.mjs, which adds up what several commands counted.
const countsFile = process.env.WAYBILL_COUNTS_FILE;
if (countsFile) writeFileSync(countsFile, JSON.stringify(tally.counts()));
