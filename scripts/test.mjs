#!/usr/bin/env node
/**
 * `npm test` works in a fresh clone. It installs the dependencies (and Chromium and PostgreSQL where it can), and then
 * runs lint, types, the build, the quick suites on the devstore, and the checks of the package. `npm run test:all` runs
 * every suite on every storage, and the quick suites on the other Node versions; it installs Ceph, MariaDB, Firefox and
 * WebKitGTK as well.
 * The last line is the sum of all: `N passed, N failed, N skipped`. Under CI a skipped test is a failure.
 * test/README.md lists the suites.
 *
 *     npm test -- src/s3            only the suites whose path contains src/s3 (the same as npx vitest run src/s3)
 *     npm run test:all -- --rest    what npm test leaves out; CI runs this after npm test
 */
import { writeFileSync } from 'node:fs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, say, underCi } from './lib/run.mjs';
import { createTally } from './lib/tally.mjs';

requireNode();
await ensureInstalled();

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const unknown = flags.filter((flag) => !['--all', '--rest', '--one-node'].includes(flag));
if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(', ')}. For vitest's own options: npx vitest run ...`);
  process.exit(2);
}
const rest = flags.includes('--rest');
const all = rest || flags.includes('--all');

const { ensureBuilt } = await import('./lib/build.mjs');
const needs = await import('./lib/needs.mjs');
const { checkPackage, lintAndTypes } = await import('./lib/checks.mjs');
const { fullSize, runOtherNodes, runQuick, runRest, runVitest } = await import('./lib/suites.mjs');

const tally = createTally();
const start = performance.now();

await needs.ensureChromium(tally);
await needs.ensurePostgres(tally);
await needs.ensureSharedMimeInfo(tally);
if (all) {
  await needs.ensureCeph(tally);
  await needs.ensureMariadb(tally);
  await needs.ensureFirefox(tally);
  await needs.ensureWebkit(tally);
}
if (names.length > 0) {
  await runVitest(tally, { names, env: all ? {} : { WAYBILL_STORES: 'devstore' } });
} else {
  const built = rest ? await ensureBuilt() : await checkSources();
  if (rest) await runRest(tally);
  else if (all) await runVitest(tally, { env: fullSize });
  else await runQuick(tally);
  if (all && flags.includes('--one-node')) tally.skip('the other Node versions, because of --one-node');
  else if (all) await runOtherNodes(tally, rest);
  if (built && !rest) await checkPackage(tally);
  if (!all)
    say('Not run: Ceph, MariaDB, the other Node versions and browsers, the long suites. npm run test:all runs them.');
}

if (underCi) tally.failSkipped();
say(`Ran ${((performance.now() - start) / 1000).toFixed(0)} s`);
process.exitCode = tally.close();
// scripts/ci.mjs adds up the counts of several commands.
const countsFile = process.env.WAYBILL_COUNTS_FILE;
if (countsFile) writeFileSync(countsFile, JSON.stringify(tally.counts()));

/** Returns whether the build succeeded. */
async function checkSources() {
  await lintAndTypes(tally);
  return tally.check('build', await ensureBuilt());
}
