/** Installs dependencies when what is in node_modules is not what the lockfile says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root, timed } from './run.mjs';

export async function ensureInstalled() {
  if (installed()) return;
  const code = await timed('Installing dependencies (a minute the first time)', () =>
    npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']),
  );
  if (code !== 0) {
    console.error('npm ci failed: see above. Waybill needs a package registry once, to install.');
    process.exit(1);
  }
}

/**
 * Compares versions, not times: npm writes its own record of node_modules a moment before the lockfile, and a checkout
 * touches files that did not change.
 */
function installed() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = packages(join(root, 'package-lock.json'));
  const present = packages(record);
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      !path.startsWith('node_modules/') || optional || link || present[path]?.version === version,
  );
}

function packages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}
