/**
 * In Workers with an older compatibility date a timer is a number, which has no `unref()`. Code that runs there uses
 * `unrefTimer()`. https://developers.cloudflare.com/workers/configuration/compatibility-flags/
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A thread of SQLite is not a timer, and there is none in Workers. */
const allowed = ['src/server/shared/unref-timer.ts', 'src/ledger/sqlite-thread.ts'];

const callsMethodOfTimer = (source: string) => /\??\.(unref|ref|refresh|hasRef)\(\)/.test(source);

it('code that can run in Workers calls no method of a timer', async () => {
  const found: string[] = [];
  for (const folder of ['src/protocol', 'src/s3', 'src/server', 'src/ledger', 'src/adapters'])
    for (const name of await readdir(join(root, folder), { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const file = `${folder}/${name}`;
      if (callsMethodOfTimer(await readFile(join(root, file), 'utf8'))) found.push(file);
    }
  expect(found.sort()).toEqual([...allowed].sort());
});

it('the search finds the methods of a timer', () => {
  for (const call of ['timer.unref()', 'timer?.unref()', 'setTimeout(run, 1).refresh()'])
    expect(callsMethodOfTimer(call)).toBe(true);
});
