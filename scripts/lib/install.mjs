/** Installs dependencies where node_modules does not match the lockfile. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, root, timed } from './run.mjs';

export function ensureInstalled() {
  return ensureFolderInstalled('.', 'dependencies');
}

/**
 * Installs the packages of a folder that has a lockfile of its own, because only one command needs them.
 * @param what the subject of the message, such as `the peers`
 */
export async function ensureFolderInstalled(folder, what) {
  const cwd = join(root, folder);
  if (isInstalled(cwd)) return;
  const code = await timed(`Installing ${what} (a minute the first time)`, () =>
    npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd }),
  );
  if (code !== 0) {
    console.error(`npm ci failed in ${cwd}, see above. It needs access to a package registry.`);
    process.exit(1);
  }
}

/**
 * Compares versions instead of times: npm writes its record of node_modules before the lockfile, and a checkout changes
 * the times of unchanged files.
 */
function isInstalled(folder) {
  const record = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = packages(join(folder, 'package-lock.json'));
  const present = packages(record);
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      !path.startsWith('node_modules/') || optional || link || present[path]?.version === version,
  );
}

function packages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}
