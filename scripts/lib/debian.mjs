/** Installs Debian packages, on systems with apt-get and as root only. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, timed } from './run.mjs';

export function onPath(program) {
  return findOnPath(program) !== undefined;
}

/** Returns the path of the program, or undefined. */
export function findOnPath(program) {
  const dirs = (process.env.PATH ?? '').split(delimiter);
  return dirs.map((dir) => join(dir, program)).find(executable);
}

export function executable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function canAptInstall() {
  return process.getuid?.() === 0 && onPath('apt-get');
}

let updated = false;

/** Returns whether apt-get succeeded. */
export async function aptInstall(packages) {
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const common = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0'];
  return timed(`Installing ${packages.join(', ')} from the distribution`, async () => {
    if (!updated) updated = (await run('apt-get', [...common, 'update'], options)) === 0;
    return (await run('apt-get', [...common, 'install', '-y', '--no-install-recommends', ...packages], options)) === 0;
  });
}
