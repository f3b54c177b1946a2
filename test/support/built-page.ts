/** The page as `vite build` makes it from the sources of now, in a folder of the caller's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export async function buildPage(outDir: string): Promise<string> {
  await build({
    configFile: fileURLToPath(new URL('../../web/vite.config.ts', import.meta.url)),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  });
  return outDir;
}

let built: Promise<string> | undefined;

/** Built once for each test file, and removed when its process ends. */
export function builtPage(): Promise<string> {
  built ??= mkdtemp(join(tmpdir(), 'waybill-page-')).then((dir) => buildPage(join(dir, 'web')));
  return built;
}

export async function removeBuiltPage(): Promise<void> {
  if (built) await rm(join(await built, '..'), { recursive: true, force: true });
  built = undefined;
}
