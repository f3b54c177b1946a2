/** Installs the packed tarball into an empty folder, beside the packages that a test needs in fixed versions. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';

/**
 * @param packages versions by name. `null` takes the version of this repository.
 * @param npmOptions more options of `npm install`
 * @returns the folder, which the caller removes
 */
export async function installPacked(
  name: string,
  packages: Record<string, string | null>,
  npmOptions: readonly string[] = [],
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `waybill-${name}-`));
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  const here: Record<string, string> = { ...manifest.devDependencies, ...manifest.dependencies };
  const versions = Object.entries(packages).map(([key, version]) => {
    const chosen = version ?? here[key]?.replace(/^[\^~]/, '');
    if (!chosen) throw new Error(`This repository has no version of ${key}.`);
    return [key, chosen];
  });
  const dependencies = { ...Object.fromEntries(versions), waybill: `file:${inject('tarball')}` };
  await writeFile(join(dir, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  // No package needs its script: what it would fetch or link is in the packages themselves.
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const shell = process.platform === 'win32';
  await promisify(execFile)('npm', ['install', ...quiet, ...npmOptions], { cwd: dir, shell });
  return dir;
}
