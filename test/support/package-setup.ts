/** Vitest global set-up: builds dist/ and packs it once, for all files that install the package. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { ensureBuilt } from '../../scripts/lib/build.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the tarball that `npm publish` would send. */
    tarball: string;
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url));

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!(await ensureBuilt())) throw new Error('The build failed, see above.');
  const dir = await mkdtemp(join(tmpdir(), 'waybill-packed-'));
  const shell = process.platform === 'win32';
  await promisify(execFile)('npm', ['pack', '--silent', '--pack-destination', dir], { cwd: root, shell });
  const [tarball = ''] = await readdir(dir);
  project.provide('tarball', join(dir, tarball));
  return () => rm(dir, { recursive: true, force: true });
}
