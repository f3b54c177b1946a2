#!/usr/bin/env node
/**
 * `npm test`: what is quick, from a fresh clone, on the Node that is there. Installs, brings Chromium and Postgres where it may, and
 * then runs lint, types, the build, the quick suites on the devstore, and the checks of the package. `npm run test:all` runs
 * everything: every suite on every store, and the quick ones on the other Node versions; it brings Ceph as well. The last line
 * counts all of it: `N passed, N failed, N skipped`. Under CI, whatever would be skipped fails. test/README.md has the list.
 *
 *     npm test -- src/s3            only the suites whose path contains it (the same as npx vitest run src/s3)
 *     npm run test:all -- --rest    what npm test leaves out, for CI, which has just run that
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
const { ensureCeph, ensureChromium, ensurePostgres, ensureSharedMimeInfo } = await import('./lib/needs.mjs');
const { checkPackage, lintAndTypes } = await import('./lib/checks.mjs');
const { runOtherNodes, runQuick, runRest, runVitest } = await import('./lib/suites.mjs');

const tally = createTally();
const start = performance.now();

await ensureChromium(tally);
await ensurePostgres(tally);
await ensureSharedMimeInfo(tally);
if (all) await ensureCeph(tally);
if (names.length > 0) {
  await runVitest(tally, { names, env: all ? {} : { WAYBILL_STORES: 'devstore' } });
} else {
  const built = rest ? await ensureBuilt() : await checkSources();
  if (rest) await runRest(tally);
  else if (all) await runVitest(tally, {});
  else await runQuick(tally);
  if (all && flags.includes('--one-node')) tally.skip('the other Node versions: --one-node');
  else if (all) await runOtherNodes(tally);
  if (built && !rest) await checkPackage(tally);
  if (!all) say('Not run: Ceph, other Node versions, and what is long. npm run test:all runs everything.');
}

if (underCi) tally.failWhatWasSkipped();
say(`Ran ${((performance.now() - start) / 1000).toFixed(0)} s`);
process.exitCode = tally.close();
// For scripts/ci.mjs, which adds up what several commands counted.
const countsFile = process.env.WAYBILL_COUNTS_FILE;
if (countsFile) writeFileSync(countsFile, JSON.stringify(tally.counts()));

/** Returns whether there is a build. */
async function checkSources() {
  await lintAndTypes(tally);
  return tally.check('build', await ensureBuilt());
}
