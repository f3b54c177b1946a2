/** Builds the page with Vite from the current sources, into a given or a temporary folder. */
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

/** Builds the page once for each test file. `removeBuiltPage` deletes it. */
export function builtPage(): Promise<string> {
  built ??= mkdtemp(join(tmpdir(), 'waybill-page-')).then((dir) => buildPage(join(dir, 'web')));
  return built;
}

export async function removeBuiltPage(): Promise<void> {
  if (built) await rm(join(await built, '..'), { recursive: true, force: true });
  built = undefined;
}
