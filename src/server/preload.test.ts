import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'vite';
import { expect, it } from 'vitest';
import { loadOnce } from '../s3/internal.ts';
import { preloadServer } from './preload.ts';

/** What an option asks for, which is checked when the server starts (optional peers), and the list itself. */
const notLater: ReadonlySet<string> = new Set(['peer', './preload.ts']);

const root = join(import.meta.dirname, '..');

/** Packages by name, files of the project by their full path. */
function dynamicImportsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  return parseSync(file, source)
    .module.dynamicImports.map(({ moduleRequest: { start, end } }) => source.slice(start, end).replaceAll(/['"`]/g, ''))
    .filter((name) => !notLater.has(name))
    .map((name) => (name.startsWith('.') ? join(dirname(file), name) : name));
}

it('preloadServer() loads every module that server and s3 load later', () => {
  const files = ['server', 's3'].flatMap((module) =>
    readdirSync(join(root, module), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .map((path) => join(root, module, path)),
  );
  const isList = (file: string) => file.endsWith('/preload.ts');
  const preloaded = new Set(files.filter(isList).flatMap(dynamicImportsOf));
  const later = files.filter((file) => !isList(file)).flatMap(dynamicImportsOf);
  expect(later.length).toBeGreaterThan(5);
  expect(later.filter((name) => !preloaded.has(name))).toEqual([]);
});

it('preloadServer() resolves', async () => {
  await expect(preloadServer()).resolves.toBeUndefined();
});

it('loadOnce() tries again after a failure, and once only after a success', async () => {
  let calls = 0;
  const load = loadOnce(async () => {
    calls += 1;
    if (calls === 1) throw new Error('EMFILE: too many open files');
    return calls;
  });
  await expect(load()).rejects.toThrow('EMFILE');
  expect(await Promise.all([load(), load()])).toEqual([2, 2]);
  expect(await load()).toBe(2);
});
