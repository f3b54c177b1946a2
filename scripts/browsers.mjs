#!/usr/bin/env node
/**
 * `npm run test:browsers [-- firefox webkit]` runs test/engines, whole, in Chromium, Firefox and WebKit (the default:
 * all three), and installs the engines where it can. `npm run test:all` runs the main path in all three and the rest in
 * Chromium. The suites of test/browser need Chromium: `npm run test:all` runs them.
 */
import { ensureInstalled } from './lib/install.mjs';
import { requireNode, underCi } from './lib/run.mjs';
import { createTally } from './lib/tally.mjs';

requireNode();
const names = process.argv.slice(2);
const known = ['chromium', 'firefox', 'webkit'];
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no engine ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exit(2);
}
await ensureInstalled();

const { ensureChromium, ensureFirefox, ensureWebkit } = await import('./lib/needs.mjs');
const { runVitest } = await import('./lib/suites.mjs');

const tally = createTally();
const chosen = names.length > 0 ? names : known;
const installs = { chromium: ensureChromium, firefox: ensureFirefox, webkit: ensureWebkit };
for (const name of chosen) await installs[name](tally);
await runVitest(tally, {
  names: ['test/engines'],
  env: { WAYBILL_ENGINES: chosen.join(',') },
  label: chosen.join(', '),
});
if (underCi) tally.failSkipped();
process.exitCode = tally.close();
