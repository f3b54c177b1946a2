/**
 * Bundles the more than one hundred files of the server's modules into a few: each file costs a cold start at least
 * half a millisecond. What pages import is not bundled, because the bundler of the page does that; neither is
 * `protocol`, which pages and servers share.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const entries = [
  's3/index',
  's3/internal',
  'server/index',
  'server/internal',
  'adapters/express',
  'adapters/fastify',
  'adapters/fetch',
  'adapters/h3',
  'adapters/hono',
  'adapters/koa',
  'adapters/lambda',
  'adapters/nest',
  'adapters/next',
  'adapters/node',
  'adapters/nuxt',
  'adapters/react-router',
  'adapters/sveltekit',
  'devstore/index',
  'ledger/index',
  'ledger/sqlite',
  'ledger/postgres',
  'ledger/mysql',
];

/**
 * The only package that is bundled. Node opens its 280 files at the same time, so that a process with a low limit of
 * open files could not start with a ledger.
 */
const bundledPackage = 'kysely';

/** @type {import('esbuild').Plugin} */
const keepProtocol = {
  name: 'keep-protocol',
  setup({ onResolve }) {
    // Inputs and outputs are all one folder deep, so that the relative path stays right.
    onResolve({ filter: /^\.\.\/protocol\// }, ({ path }) => ({ path, external: true }));
  },
};

/** @type {import('esbuild').Plugin} */
const keepPackages = {
  name: 'keep-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      if (kind === 'entry-point' || path === bundledPackage || importer.includes(`/node_modules/${bundledPackage}/`))
        return undefined;
      return { path, external: true };
    });
  },
};

/**
 * @param {string} dist the output of the compiler; its .js files of these modules are replaced, their types are kept
 */
export async function bundleModules(dist) {
  const { metafile } = await build({
    absWorkingDir: dist,
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, `${entry}.js`])),
    outdir: dist,
    allowOverwrite: true,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    // Code that several entries use or that loads later gets files of its own, so that each class exists once.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [keepProtocol, keepPackages],
    metafile: true,
    logLevel: 'warning',
  });
  for (const folder of new Set(entries.map((entry) => entry.split('/', 1)[0])))
    for (const file of readdirSync(join(dist, folder), { recursive: true }))
      if (file.endsWith('.js') && !(`${folder}/${file.replaceAll('\\', '/')}` in metafile.outputs))
        rmSync(join(dist, folder, file));
}

/**
 * Bundles the web component with the client for `<script type="module">` in pages without a bundler. What loads later
 * is in files beside it.
 * @param {string} dist
 */
export async function bundleElement(dist) {
  await build({
    absWorkingDir: dist,
    entryPoints: { 'waybill-dropzone': 'elements/index.js' },
    outdir: join(dist, 'browser'),
    chunkNames: 'waybill-[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
  });
}
