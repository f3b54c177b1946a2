/** Bundles a Worker as Wrangler does: into one file, with the `node:` modules left to the platform. */
import { builtinModules } from 'node:module';
import { build, type Metafile, type Plugin } from 'esbuild';

const builtins = new Set(builtinModules);

/** With `nodejs_compat`, Wrangler also accepts Node's modules without `node:`, and `require` of them. */
const nodeModules: Plugin = {
  name: 'node-modules',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (!builtins.has(name)) return undefined;
      if (kind === 'require-call') return { path: name, namespace: 'required' };
      return { path: `node:${name}`, external: true };
    });
    onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
      contents: `import found from 'node:${path}'; module.exports = found;`,
    }));
  },
};

export interface WorkerBundle {
  code: string;
  inputs: Metafile['inputs'];
  warnings: string[];
}

export async function bundleWorker(folder: string, entry: string): Promise<WorkerBundle> {
  const { outputFiles, metafile, warnings } = await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    mainFields: ['browser', 'module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    plugins: [nodeModules],
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (!file) throw new Error(`esbuild wrote nothing for ${entry}.`);
  return { code: file.text, inputs: metafile.inputs, warnings: warnings.map(({ text }) => text) };
}
