/** Installs dependencies when node_modules does not match the lockfile. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root, timed } from './run.mjs';

export async function ensureInstalled() {
  if (isInstalled()) return;
  const code = await timed('Installing dependencies (a minute the first time)', () =>
    npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']),
  );
  if (code !== 0) {
    console.error('npm ci failed, see above. It needs access to a package registry.');
    process.exit(1);
  }
}

/**
 * Compares versions instead of times: npm writes its record of node_modules before the lockfile, and a checkout changes
 * the times of unchanged files.
 */
function isInstalled() {
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
