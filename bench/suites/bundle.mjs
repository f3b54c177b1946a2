/** bundle: the size of the smallest realistic browser entry of each contender, with esbuild --minify and gzip -9. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { atMost } from '../harness/targets.mjs';

export const about =
  'The smallest realistic browser entry of each, esbuild --minify, gzip -9; 1 kB is 1,000 bytes. React is left out everywhere; what loads later is not counted.';
export const peers = [
  '@better-upload/client',
  'uploadthing',
  'tus-js-client',
  '@uppy/core',
  '@uppy/aws-s3',
  'aws-amplify',
  '@aws-sdk/lib-storage',
];

const here = new URL('../contenders/bundle/', import.meta.url);
const floor = 'floor: one PUT by hand';
const contenders = [
  { name: floor, entry: 'floor-put.mjs' },
  { name: 'sketch: multipart and resume by hand', entry: 'floor-multipart.mjs' },
  { name: 'waybill/client', entry: 'waybill.mjs' },
  { name: 'waybill/client/put', entry: 'waybill-put.mjs' },
  { name: 'waybill/react with the client', entry: 'waybill-react.mjs' },
  { name: 'better-upload, core', entry: 'better-upload.mjs', peer: true },
  { name: 'better-upload, hook', entry: 'better-upload-hook.mjs', peer: true },
  { name: 'uploadthing', entry: 'uploadthing.mjs', peer: true },
  { name: 'tus-js-client', entry: 'tus.mjs', peer: true },
  { name: 'Uppy core and aws-s3', entry: 'uppy.mjs', peer: true },
  { name: 'aws-amplify/storage', entry: 'amplify.mjs', peer: true },
  { name: 'AWS SDK lib-storage', entry: 'lib-storage.mjs', peer: true },
];

/** Sizes do not vary, so one round is enough. */
export async function run() {
  const sizes = new Map();
  for (const { name, entry, peer } of contenders) sizes.set(name, await kilobytes(entry, { peer, name }));
  const bare = sizes.get(floor);
  return {
    rows: [...sizes].map(([contender, value]) => ({ contender, value, unit: 'kB', ratio: value / bare })),
    targets: [
      atMost('full client, kB', 6, sizes.get('waybill/client')),
      atMost('put-only client, kB', 2.3, sizes.get('waybill/client/put')),
      atMost(
        'React hook over the full client, kB',
        1,
        sizes.get('waybill/react with the client') - sizes.get('waybill/client'),
      ),
    ],
  };
}

async function kilobytes(entry, { peer, name }) {
  const path = fileURLToPath(new URL(entry, here));
  const { outputFiles, metafile } = await build({
    // The entry of a peer is resolved from bench/peers, where its package is installed.
    ...(peer
      ? {
          stdin: {
            contents: await readFile(path, 'utf8'),
            sourcefile: entry,
            resolveDir: fileURLToPath(new URL('../peers', import.meta.url)),
          },
        }
      : { entryPoints: [path] }),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    splitting: true,
    outdir: 'out',
    write: false,
    metafile: true,
    external: ['react', 'react-dom', 'react/jsx-runtime'],
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  const eager = eagerChunks(metafile, entry);
  const used = outputFiles.filter(({ path: file }) => eager.some((chunk) => file.endsWith(chunk)));
  if (used.length !== eager.length) throw new Error(`${name}: esbuild's outputs do not match its metafile.`);
  const text = used.map(({ text: code }) => code).join('\n');
  if (/AWS4-HMAC-SHA256|["']node:/.test(text) && !peer) throw new Error(`${name}: the bundle has server code in it.`);
  return gzipSync(text, { level: 9 }).length / 1000;
}

/** The entry and its static imports, without the chunks that load on demand (which also name an entry point). */
function eagerChunks({ outputs }, file) {
  const main = Object.keys(outputs).find((path) => outputs[path].entryPoint?.endsWith(file));
  const seen = new Set();
  const visit = (path) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: next, kind, external } of outputs[path].imports)
      if (kind === 'import-statement' && !external) visit(next);
  };
  visit(main);
  return [...seen];
}
