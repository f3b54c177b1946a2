/** Builds dist/ when it is out of date. The new one is built in .cache/ and then replaces the old one. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { root, timed, tool } from './run.mjs';

const dist = join(root, 'dist');
const cache = join(root, '.cache');
const stamp = join(cache, 'build-stamp');

/** Every file and folder that can change a byte of dist/. */
const inputs = [
  'src',
  'web',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/lib/build.mjs',
  'scripts/lib/bundle.mjs',
];

export async function ensureBuilt() {
  if (isUpToDate()) return true;
  return timed('Building', build);
}

export async function build() {
  const hash = hashInputs();
  const next = join(cache, `dist-${process.pid}`);
  mkdirSync(cache, { recursive: true });
  try {
    const compiled = await tool('typescript/bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', next]);
    if (compiled !== 0) return false;
    // Imported here because it needs esbuild, and this file is loaded before dependencies are installed.
    const { bundleElement, bundleModules } = await import('./bundle.mjs');
    await bundleModules(next);
    await bundleElement(next);
    const bundled = await tool('vite/bin/vite.js', [
      'build',
      'web',
      '--outDir',
      join(next, 'web'),
      '--emptyOutDir',
      '--logLevel',
      'warn',
    ]);
    if (bundled !== 0) return false;
    chmodSync(join(next, 'cli/main.js'), 0o755);
    rmSync(dist, { recursive: true, force: true });
    renameSync(next, dist);
    writeFileSync(stamp, hash);
    return true;
  } catch (error) {
    console.error(`The build failed: ${error.message}`);
    return false;
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
}

function isUpToDate() {
  const outputs = [join(dist, 'cli/main.js'), join(dist, 'web/index.html'), stamp];
  return outputs.every((file) => existsSync(file)) && readFileSync(stamp, 'utf8') === hashInputs();
}

/** Hashes contents, because a checkout or a restored cache changes the times of files. Takes a few milliseconds. */
function hashInputs() {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap((input) => filesUnder(join(root, input))).sort()) {
    if (/\.test\.tsx?$/.test(file)) continue;
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.name === 'node_modules' ? [] : filesUnder(join(path, entry.name)),
  );
}
