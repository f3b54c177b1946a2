/**
 * docs/reference.md equals the docstrings of the sources, every public option has a docstring, and docs/errors.md says
 * for every code what to do.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readDocstring } from '../../scripts/lib/docstrings.mjs';
import { remedies, renderErrorPage } from '../../scripts/lib/error-page.mjs';
import { membersOf, renderReference, sections, withoutSection } from '../../scripts/lib/reference.mjs';
import { errorTable } from '../../src/protocol/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tables = sections.flatMap((section) => section.tables);
/** Options that only tests set. */
const forTests = new Set(['now', 'random']);

describe('docs/errors.md', () => {
  it('is what `npm run docs` writes', async () => {
    const written = await readFile(join(root, 'docs/errors.md'), 'utf8');
    expect(written === renderErrorPage(root), 'docs/errors.md is out of date: run `npm run docs`').toBe(true);
  });

  it('says for every code what to do', () => {
    expect(Object.keys(remedies)).toEqual(Object.keys(errorTable));
    expect(Object.values(remedies).filter((remedy) => remedy.length < 20)).toEqual([]);
  });
});

describe('docs/reference.md', () => {
  it('is what `npm run docs` writes', async () => {
    const written = await readFile(join(root, 'docs/reference.md'), 'utf8');
    expect(written === renderReference(root), 'docs/reference.md is out of date: run `npm run docs`').toBe(true);
  });

  it('has a meaning for every row, and a default and an example for every option', () => {
    const missing = tables.flatMap((table) =>
      membersOf(root, table).flatMap(({ name, optional, doc }) => {
        const place = `${table.of}.${name}`;
        const lacks = (tag: string, absent: boolean) => (absent ? [`${place} has no ${tag}`] : []);
        if (table.kind === 'members') return lacks('docstring', !doc?.text);
        return [
          ...lacks('docstring', !doc?.text),
          ...lacks('@default', optional && !doc?.defaults.length),
          ...lacks('@example', !forTests.has(name) && !doc?.examples.length),
        ];
      }),
    );
    expect(missing).toEqual([]);
    expect(tables.flatMap((table) => membersOf(root, table)).length).toBeGreaterThan(150);
  });

  it('has a section for every exported type of options', async () => {
    const manifest: { exports: Record<string, string | { '@waybill/source': string }> } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    );
    const shown = new Set(tables.map(({ of }) => of.split('#')[1]));
    const exported = new Set<string>();
    for (const target of Object.values(manifest.exports)) {
      if (typeof target === 'string') continue;
      const path = join(root, target['@waybill/source']);
      const source = await readFile(path, 'utf8');
      for (const [, names = ''] of source.matchAll(/^export (?:type )?\{([^}]+)\}/gm))
        for (const name of names.split(',')) exported.add(name.replace(/\btype\b/, '').trim());
      const starred = [...source.matchAll(/^export type \* from '(\.[^']+)'/gm)].map(([, from = '']) => from);
      for (const text of [
        source,
        ...(await Promise.all(starred.map((from) => readFile(join(path, '..', from), 'utf8')))),
      ])
        for (const [, name = ''] of text.matchAll(/^export (?:interface|type) (\w+)/gm)) exported.add(name);
    }
    const options = [...exported].filter((name) => name.endsWith('Options'));
    expect(options.length).toBeGreaterThan(20);
    expect(options.filter((name) => !shown.has(name) && !withoutSection.has(name))).toEqual([]);
  });

  it('reads tags in the middle of a line', () => {
    const doc = readDocstring(
      "* Where it is. @default '' @example 'user@host'\n * @throws {WaybillError} `config_invalid` ",
    );
    expect(doc).toMatchObject({ text: 'Where it is.', defaults: ["''"], examples: ["'user@host'"] });
    expect(doc.throws).toEqual(['`config_invalid`']);
  });
});
