/**
 * A server and a page for each adapter, type-checked with the packed tarball and the framework's own types by both
 * compilers. Each line that must not compile has a `@ts-expect-error`: a wrong route, wrong metadata, a wrong result.
 */
import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installPacked } from '../support/packed.ts';
import { isFullSize } from '../support/test-size.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The last version of the old compiler, and the new one, which is that of this repository. */
const compilers: Record<string, string> = {
  '5.9.3': 'node_modules/typescript-5/bin/tsc',
  '7.0.2': join(root, 'node_modules/typescript/bin/tsc'),
};
/**
 * Packages whose own declarations have errors without `skipLibCheck`; the last two refer to peers, which are bundlers.
 * No error may be anywhere else.
 */
const brokenPackages = ['@types/koa', 'h3', 'react-router', '@sveltejs/kit'];
/** Null takes the version with which the other tests run. */
const packages = {
  ...Object.fromEntries(
    ['react', '@types/react', '@types/node', 'valibot', 'express', '@types/express', 'fastify', 'h3', 'hono', 'koa']
      .concat(['@types/koa', '@nestjs/common', '@nestjs/core', 'rxjs', 'reflect-metadata'])
      .map((name) => [name, null]),
  ),
  '@sveltejs/kit': '2.70.4',
  '@types/aws-lambda': '8.10.164',
  '@types/react-dom': '19.3.0',
  'react-router': '8.5.3',
  'typescript-5': 'npm:typescript@5.9.3',
};

let dir = '';
let adapters: string[] = [];

beforeAll(async () => {
  // Without peers, which would be bundlers, and without the programs that only running the frameworks needs.
  dir = await installPacked('types', packages, ['--legacy-peer-deps', '--omit=optional']);
  const manifest: { exports: Record<string, unknown> } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  // A module in Nuxt's configuration is no handler. Nuxt's handler is that of h3.
  adapters = Object.keys(manifest.exports).flatMap((path) => /^\.\/adapters\/(?!nuxt)(.+)$/.exec(path)?.[1] ?? []);
  await cp(join(root, 'test/package/adapter-types'), join(dir, 'src'), { recursive: true });
  const page = await readFile(join(dir, 'src/page.tsx'), 'utf8');
  await rm(join(dir, 'src/page.tsx'));
  for (const name of adapters)
    await writeFile(join(dir, `src/page-${name}.tsx`), page.replaceAll('./adapter.js', `./${name}.js`));
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    jsx: 'react-jsx',
    // Nest's decorators are those of TypeScript before the standard.
    experimentalDecorators: true,
    types: ['node'],
    noEmit: true,
  };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
});

afterAll(async () => {
  if (dir) await rm(dir, { recursive: true, force: true });
});

async function compile(compiler: string): Promise<string[]> {
  const args = [compilers[compiler] ?? '', '--project', dir, '--pretty', 'false', '--listFiles'];
  const { stdout } = await run(process.execPath, args, { cwd: dir, maxBuffer: 64 * 1024 ** 2 }).catch(
    (failure: { stdout?: string; message: string }) => ({ stdout: failure.stdout || failure.message }),
  );
  return stdout.split('\n');
}

it('every adapter has a server in test/package/adapter-types', async () => {
  const files = await readdir(join(root, 'test/package/adapter-types'));
  expect(adapters.length).toBeGreaterThan(10);
  expect(files.sort()).toEqual([...adapters.map((name) => `${name}.ts`), 'create.ts', 'page.tsx'].sort());
});

/** The old compiler needs half a minute. At the smaller size only consumer.test.ts runs it, over every entry. */
const versions = Object.keys(compilers).filter((version) => isFullSize || version.startsWith('7.'));

it.each(versions)('TypeScript %s accepts what is right and refuses what is wrong', async (compiler) => {
  const lines = await compile(compiler);
  const errors = lines.filter((line) => /\berror TS\d+/.test(line));
  const isBroken = (line: string) => brokenPackages.some((name) => line.startsWith(`node_modules/${name}/`));
  expect(errors.filter((line) => !isBroken(line))).toEqual([]);
  const read = lines.filter((line) => !line.includes('error TS'));
  for (const name of adapters) expect(read.some((line) => line.endsWith(`/src/page-${name}.tsx`))).toBe(true);
  expect(read.filter((line) => line.includes('/node_modules/waybill/dist/')).length).toBeGreaterThan(10);
});
