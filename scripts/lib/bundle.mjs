/**
 * Makes few files of the server's many modules: each file costs a cold start half a millisecond and more, and there are
 * a hundred of them. What pages import stays as modules, because a page's own bundler picks from them; so does the
 * protocol, which both sides share.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const rooms = [
  's3/index',
  'server/index',
  'adapters/node',
  'adapters/express',
  'devstore/index',
  'ledger/index',
  'ledger/sqlite',
  'ledger/postgres',
];

/**
 * The only package that is bundled. It has 280 files, which Node opens all at once: a process that may open few files could
 * not start with a ledger.
 */
const bundledPackage = 'kysely';

/** @type {import('esbuild').Plugin} */
const protocolApart = {
  name: 'protocol-apart',
  setup({ onResolve }) {
    // Every output stands one folder deep, as every input does.
    onResolve({ filter: /^\.\.\/protocol\// }, ({ path }) => ({ path, external: true }));
  },
};

/** @type {import('esbuild').Plugin} */
const packagesApart = {
  name: 'packages-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      if (kind === 'entry-point' || path === bundledPackage || importer.includes(`/node_modules/${bundledPackage}/`))
        return undefined;
      return { path, external: true };
    });
  },
};

/** @param {string} dist what the compiler wrote; its modules of those rooms are replaced, their types stay */
export async function bundleRooms(dist) {
  const { metafile } = await build({
    absWorkingDir: dist,
    entryPoints: Object.fromEntries(rooms.map((room) => [room, `${room}.js`])),
    outdir: dist,
    allowOverwrite: true,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    // What several rooms use, and what loads later, become files of their own: one copy of each class.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [protocolApart, packagesApart],
    metafile: true,
    logLevel: 'warning',
  });
  for (const room of new Set(rooms.map((entry) => entry.split('/', 1)[0])))
    for (const file of readdirSync(join(dist, room), { recursive: true }))
      if (file.endsWith('.js') && !(`${room}/${file.replaceAll('\\', '/')}` in metafile.outputs))
        rmSync(join(dist, room, file));
}
