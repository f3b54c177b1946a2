/** The support table of README.md: each row names a test that exists, or says that it was not run, and why. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { testFiles } from '../../scripts/lib/plan.mjs';

const root = new URL('../../', import.meta.url);
const notRun = 'built, not run here';

function rowsOfTable(): { what: string; runBy: string }[] {
  const readme = readFileSync(new URL('README.md', root), 'utf8');
  const section = /^## Support\n([\s\S]+?)^## /m.exec(readme)?.[1] ?? '';
  const rows = [...section.matchAll(/^\| (.+?) \| (.+) \|$/gm)].map(([, what = '', runBy = '']) => ({ what, runBy }));
  return rows.slice(1);
}

it('the support table names tests that CI runs, or the reason why there is none', () => {
  const rows = rowsOfTable();
  expect(rows.length).toBeGreaterThan(8);
  const { quick, rest } = testFiles();
  const run = new Set([...quick, ...rest]);
  for (const { what, runBy } of rows) {
    const files = [...runBy.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file);
    for (const file of files)
      expect([what, file, run.has(file) && existsSync(new URL(file, root))]).toEqual([what, file, true]);
    if (files.length > 0 || runBy.includes('`npm run test:all`')) continue;
    expect([what, new RegExp(`${notRun}[:,] .{10}`).test(runBy)]).toEqual([what, true]);
  }
});
