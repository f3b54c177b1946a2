/**
 * node-postgres reports a broken connection as an `error` event, and an event without a listener ends the process.
 * Every pool and every client in this repository has a listener. https://node-postgres.com/apis/pool#events
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const made = /const (\w+) = new (?:pg|driver)\.(?:Pool|Client)\(/g;

/** `file: variable` for each pool or client without a listener. */
function withoutListener(file: string, source: string): string[] {
  return [...source.matchAll(made)]
    .filter(({ 1: name, index }) => !source.slice(index, index + 500).includes(`${name}.on('error',`))
    .map(([, name]) => `${file}: ${name}`);
}

it('every pool and client of Postgres has an error listener', async () => {
  const missing: string[] = [];
  const creators = new Set<string>();
  for (const folder of ['src', 'test', 'bench', 'examples']) {
    const files = await readdir(join(root, folder), { recursive: true });
    for (const file of files.filter((name) => /\.(ts|tsx|mjs|js)$/.test(name) && !name.includes('node_modules'))) {
      const source = await readFile(join(root, folder, file), 'utf8');
      // Fails when one is created in a way that this search does not see.
      const all = source.match(/new \w+\.(Pool|Client)\(/g)?.length ?? 0;
      const seen = source.match(made)?.length ?? 0;
      if (all > seen) missing.push(`${folder}/${file}: ${all - seen} that the search does not see`);
      if (seen > 0) creators.add(`${folder}/${file}`);
      missing.push(...withoutListener(`${folder}/${file}`, source));
    }
  }
  expect(missing).toEqual([]);
  // Fails when the search finds nothing, and when a file is added or removed.
  expect([...creators].sort()).toEqual([
    'bench/contenders/ledger.mjs',
    'bench/suites/list.mjs',
    'src/ledger/pool.ts',
    'test/support/postgres.ts',
    'test/support/query-plans.ts',
  ]);
});

it('the search reports a pool without a listener', () => {
  expect(withoutListener('a.ts', `const pool = new ${'pg'}.Pool({});\nawait pool.end();`)).toEqual(['a.ts: pool']);
});
