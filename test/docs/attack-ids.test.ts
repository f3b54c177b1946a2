/** The attack ids in docs/threat-model.md are those in the titles of test/attacks and in the table of defences. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { defences } from '../attacks/defences.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const legend = await readFile(join(root, 'docs/threat-model.md'), 'utf8');
const explained = [...legend.matchAll(/^\| ([A-G]\d+) \| \S/gm)].map(([, id = '']) => id);

/** The ids at the start of a title: `C8 C11 a part after completion ...`. */
const idsIn = (title: string) =>
  [...(/^(?:[A-G]\d+ )+/.exec(`${title} `)?.[0].matchAll(/\S+/g) ?? [])].map(([id]) => id);

async function titles(): Promise<string[]> {
  const folder = join(root, 'test/attacks');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.test.ts'));
  const sources = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return sources.flatMap((source) =>
    [...source.matchAll(/^\s*.*?\(?(['"`])([A-G]\d+ .*?)\1,/gm)].map(([, , title = '']) => title),
  );
}

it('docs/threat-model.md explains each attack id once', () => {
  expect(explained).toEqual([...new Set(explained)]);
  expect(explained.length).toBeGreaterThan(50);
});

it('the titles of test/attacks use the ids of docs/threat-model.md, and all of them', async () => {
  const used = new Set((await titles()).flatMap(idsIn));
  expect([...used].sort()).toEqual([...explained].sort());
});

it('the table of defences uses the ids of docs/threat-model.md', () => {
  const used = new Set(defences.flatMap(({ attack }) => idsIn(attack)));
  expect([...used].filter((id) => !explained.includes(id))).toEqual([]);
  expect(used.size).toBeGreaterThan(40);
});
