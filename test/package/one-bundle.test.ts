/**
 * A server that esbuild bundles into one file without splitting (Lambda, a single-file CLI). esbuild wraps modules
 * behind an `import()`, and with `sideEffects: false` never ran those that were also reached through a re-export. That
 * is why package.json excepts the protocol.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));

it('client and protocol work from one bundled file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-one-bundle-'));
  try {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { createClient } from './client/index.ts';
          import { checkLimits } from './protocol/index.ts';
          const file = { fileName: 'a.png', size: 1, contentType: 'image/png' };
          export const refusal = checkLimits({ maxBytes: 10, contentTypes: ['image/*'] }, file);
          export { createClient };
        `,
        resolveDir: source,
      },
      bundle: true,
      write: false,
      format: 'esm',
      logLevel: 'error',
    });
    const bundle = join(dir, 'bundle.mjs');
    await writeFile(bundle, outputFiles[0]?.text ?? '');
    const loaded = (await import(pathToFileURL(bundle).href)) as { refusal: unknown; createClient: unknown };
    expect(loaded.refusal).toBeNull();
    expect(loaded.createClient).toBeTypeOf('function');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
