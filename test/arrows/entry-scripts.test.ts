/**
 * An entry script runs in a clone without node_modules. Its static imports load before its first statement, so a
 * dependency there, direct or indirect, ends the first command of a newcomer with ERR_MODULE_NOT_FOUND.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Scripts that need no dependencies and therefore install none. */
const withoutDependencies = new Set(['scripts/ci.mjs']);

/** Every file of scripts/, and every file that package.json or .ci/run starts with Node. */
async function entryScripts(): Promise<string[]> {
  const inFolder = (await readdir(join(root, 'scripts'))).filter((file) => file.endsWith('.mjs'));
  const manifest: { scripts: Record<string, string> } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const commands = [...Object.values(manifest.scripts), await readFile(join(root, '.ci/run'), 'utf8')];
  const started = commands.flatMap((command) =>
    [...command.matchAll(/\bnode (\S+\.m?js)/g)].map(([, file = '']) => file),
  );
  return [...new Set([...inFolder.map((file) => `scripts/${file}`), ...started])].sort();
}

interface Found {
  files: string[];
  /** `file imports package`, for every static import of a package that the entry reaches. */
  packages: string[];
}

/** Follows static imports with esbuild as the parser, and ignores `import()`. */
async function walk(entry: string): Promise<Found> {
  const packages: string[] = [];
  const leaveOut: Plugin = {
    name: 'static-imports-only',
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ path, kind, importer }) => {
        if (kind === 'entry-point') return undefined;
        const isFile = path.startsWith('.') || path.startsWith('/');
        if (kind === 'import-statement' && !isFile && !isBuiltin(path))
          packages.push(`${relative(root, importer)} imports ${path}`);
        return kind === 'import-statement' && isFile ? undefined : { path, external: true };
      });
    },
  };
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    plugins: [leaveOut],
  });
  return { files: Object.keys(metafile.inputs), packages };
}

it('no entry script imports a dependency before ensureInstalled() has run', async () => {
  const entries = await entryScripts();
  expect(entries).toContain('scripts/start.mjs');
  expect(entries).toContain('scripts/test.mjs');
  expect(entries).toContain('scripts/ci.mjs');
  const walked = await Promise.all(entries.map(walk));
  expect(walked.flatMap(({ packages }) => packages)).toEqual([]);
  // The walk visited the scripts and the files that they share.
  const files = new Set(walked.flatMap((found) => found.files));
  expect(files.size).toBeGreaterThan(entries.length);
  expect([...files]).toContain('scripts/lib/build.mjs');
});

it('every entry script installs before its first dynamic import', async () => {
  const entries = (await entryScripts()).filter((entry) => !withoutDependencies.has(entry));
  expect(entries.length).toBeGreaterThan(0);
  for (const entry of entries) {
    const source = await readFile(join(root, entry), 'utf8');
    const installs = source.indexOf('\nawait ensureInstalled();');
    expect(installs, `${entry} awaits ensureInstalled()`).toBeGreaterThan(0);
    expect(source.slice(0, installs), entry).not.toMatch(/\bimport\(/);
  }
});

it('the walk reports a dependency that another file imports', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'waybill-entry-'));
  try {
    await writeFile(join(dir, 'far.mjs'), `import { build } from 'esbuild';\nexport const far = build;\n`);
    await writeFile(join(dir, 'near.mjs'), `export { far } from './far.mjs';\n`);
    await writeFile(join(dir, 'entry.mjs'), `import { far } from './near.mjs';\nconsole.log(far);\n`);
    const { packages } = await walk(resolve(dir, 'entry.mjs'));
    expect(packages.map((found) => found.replace(/.*\//, ''))).toEqual(['far.mjs imports esbuild']);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
