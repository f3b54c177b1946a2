/**
 * The package as its users get it: packed and installed into an empty folder. Every subpath is type-checked by three
 * versions of TypeScript with `skipLibCheck: false`, imported, and run. This finds what publint and attw miss.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { isFullSize } from '../support/test-size.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const npm = (args: string[], cwd: string) => run('npm', args, { cwd, shell: process.platform === 'win32' });

interface Manifest {
  exports: Record<string, unknown>;
  devDependencies: Record<string, string>;
}

/** The lowest supported version, the last one of the old compiler, and the newest. README.md states the lowest. */
const typescripts = ['5.5.4', '5.9.3', '7.0.2'];
const resolutions = ['nodenext', 'bundler'] as const;
/** Before version 7, the compiler needs 20 s: `npm test` and CI check the lowest version with one resolution. */
const checks = typescripts.flatMap((version, index) =>
  resolutions
    .filter((resolution) => isFullSize || version.startsWith('7.') || (index === 0 && resolution === 'nodenext'))
    .map((resolution) => [version, resolution] as const),
);
/** What an app on NestJS has. */
const nestPackages = ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'];
/** What apps on the frameworks of the bindings have. */
const uiPackages = ['@angular/core', 'react', 'solid-js', 'svelte', 'vue'];
/** Their frameworks need newer compilers, and their declarations take long to read: checked by TypeScript 7. */
const isForNewCompilers = (subpath: string) => /^waybill\/(angular|solid|svelte|vue)$/.test(subpath);
let dir = '';
let subpaths: string[] = [];

/** A program that imports every entry of the exports map. */
const everything = (subpaths: readonly string[]) =>
  subpaths.map((subpath, index) => `import * as m${index} from '${subpath}';\nvoid m${index};`).join('\n');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'waybill-consumer-'));
  const manifest: Manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  subpaths = Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => subpath.replace(/^\./, 'waybill'));
  const pinned = (name: string) => manifest.devDependencies[name]?.replace(/^\^/, '') ?? 'latest';
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      type: 'module',
      dependencies: {
        waybill: `file:${inject('tarball')}`,
        '@uppy/core': pinned('@uppy/core'),
        pg: pinned('pg'),
        mysql2: pinned('mysql2'),
        ...Object.fromEntries([...nestPackages, ...uiPackages].map((name) => [name, pinned(name)])),
        ...Object.fromEntries(['@types/node', '@types/react'].map((name) => [name, pinned(name)])),
        ...Object.fromEntries(typescripts.map((version) => [`typescript-${version}`, `npm:typescript@${version}`])),
      },
    }),
  );
  await npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], dir);
  await mkdir(join(dir, 'src'));
  const older = subpaths.filter((subpath) => !isForNewCompilers(subpath));
  expect(older.length).toBeLessThan(subpaths.length);
  await writeFile(join(dir, 'src/everything.ts'), everything(older));
  await mkdir(join(dir, 'src/new-compilers'));
  await writeFile(join(dir, 'src/new-compilers/frameworks.ts'), everything(subpaths.filter(isForNewCompilers)));
  for (const file of ['app.ts', 'page.tsx'])
    await copyFile(join(root, 'test/package/consumer', file), join(dir, 'src', file));
  await mkdir(join(dir, 'src/readme'));
  for (const file of ['app.ts', 'storage.ts'])
    await copyFile(join(root, `test/package/consumer/readme-${file}`), join(dir, 'src/readme', file));
  for (const { name, code } of await readmeModules()) await writeFile(join(dir, 'src/readme', name), code);
});

/** Writes the TypeScript of the README to files. The first line of each block names its file. */
async function readmeModules(): Promise<{ name: string; code: string }[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```tsx?\n\/\/ (\S+)\n([\s\S]+?)^```$/gm)];
  expect(blocks.map(([, name]) => name)).toEqual(['uploads.ts', 'avatar.ts']);
  return blocks.map(([, name = '', code = '']) => ({ name, code }));
}

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const tsconfig = (resolution: 'nodenext' | 'bundler', emit: boolean) => ({
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    module: resolution === 'nodenext' ? 'nodenext' : 'preserve',
    moduleResolution: resolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    jsx: 'react-jsx',
    types: ['node'],
    ...(emit ? { outDir: 'out', rootDir: 'src' } : { noEmit: true }),
  },
  include: ['src'],
});

it.concurrent.each(checks)('type-checks with TypeScript %s, %s', async (version, resolution) => {
  const config = join(dir, `tsconfig.${version}.${resolution}.json`);
  const exclude = version.startsWith('7.') ? [] : ['src/new-compilers'];
  await writeFile(config, JSON.stringify({ ...tsconfig(resolution, resolution === 'nodenext'), exclude }));
  const checked = await tsc(version, ['-p', config, '--listFiles']);
  expect(checked.errors).toEqual([]);
  // The compiler read the declarations of the package, and no sources.
  expect(checked.files.filter((file) => file.includes('/node_modules/waybill/dist/')).length).toBeGreaterThan(10);
  expect(checked.files.filter((file) => file.startsWith(root) || file.includes('waybill/src/'))).toEqual([]);
});

it('the README states the lowest TypeScript that is tested', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  expect(/TypeScript (\d+\.\d+) or newer/.exec(readme)?.[1]).toBe(typescripts[0]?.replace(/\.\d+$/, ''));
});

it('the type check fails on a mistake', async () => {
  const config = join(dir, 'tsconfig.mistake.json');
  await writeFile(join(dir, 'mistake.ts'), `import { s3Storage } from 'waybill/s3';\ns3Storage({ bucket: 1 });\n`);
  await writeFile(config, JSON.stringify({ ...tsconfig('nodenext', false), include: ['mistake.ts'] }));
  expect((await tsc('7.0.2', ['-p', config])).errors.join('\n')).toContain(
    "'number' is not assignable to type 'string'",
  );
});

it('every subpath can be imported', async () => {
  expect(subpaths.length).toBeGreaterThan(8);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', loadAll()], { cwd: dir });
  const counts: Record<string, number> = JSON.parse(stdout);
  for (const subpath of subpaths) expect(counts[subpath], subpath).toBeGreaterThan(0);
});

it('the program of the consumer uploads a file', async () => {
  const { stdout } = await run(process.execPath, ['out/app.js'], { cwd: dir });
  expect(JSON.parse(stdout)).toEqual({ fileName: 'note.txt', contentType: 'text/plain', stored: 6, wrong: 'function' });
});

it('the package contains the command', async () => {
  const { stdout } = await npm(['exec', '--offline', '--', 'waybill', '--help'], dir);
  expect(stdout).toContain('waybill dev');
});

it('the package contains no tests, no sources and no paths of this machine', async () => {
  const files = await readdir(join(dir, 'node_modules/waybill'), { recursive: true });
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => /\.test\.|^(src|test|scripts|web)\//.test(file))).toEqual([]);
  const manifest = await readFile(join(dir, 'node_modules/waybill/package.json'), 'utf8');
  expect(manifest).not.toContain(root);
});

function loadAll(): string {
  return `const counts = {};
for (const subpath of ${JSON.stringify(subpaths)}) counts[subpath] = Object.keys(await import(subpath)).length;
console.log(JSON.stringify(counts));`;
}

async function tsc(version: string, args: string[]): Promise<{ errors: string[]; files: string[] }> {
  const entry = join(dir, 'node_modules', `typescript-${version}`, 'bin/tsc');
  const { stdout } = await run(process.execPath, [entry, ...args], { cwd: dir, maxBuffer: 64 * 1024 ** 2 }).catch(
    (failure: { stdout?: string; message: string }) => ({ stdout: failure.stdout || failure.message }),
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  return {
    // The declarations of the frameworks need newer compilers than ours.
    errors: lines.filter((line) => /error/i.test(line) && !/^\/|^node_modules\/(?!waybill\/)/.test(line)),
    files: lines.filter((line) => line.startsWith('/')),
  };
}
