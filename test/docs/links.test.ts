/** Links and commands in the documents lead somewhere, and every example of JSON and JavaScript can be read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { anchorOf } from '../../scripts/lib/reference.mjs';
import { commands } from '../../src/cli/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  ...[
    'README.md',
    'AGENTS.md',
    'CONTRIBUTING.md',
    'test/README.md',
    'examples/express/README.md',
    'examples/react/README.md',
  ],
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((page) => page.endsWith('.md') && existsSync(join(root, page)));
const textOf = (page: string) => readFileSync(join(root, page), 'utf8');
const withoutCode = (text: string) => text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '``');

const anchors = new Map<string, Set<string>>();
function anchorsOf(page: string): Set<string> {
  const known = anchors.get(page);
  if (known) return known;
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading = ''] of textOf(page)
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
    .matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'));
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    found.add(times === 0 ? anchor : `${anchor}-${times}`);
  }
  anchors.set(page, found);
  return found;
}

describe('the documents', () => {
  it('link to files and headings that exist', () => {
    const broken: string[] = [];
    let checked = 0;
    for (const page of pages) {
      for (const [, target = ''] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        checked += 1;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : relative(root, normalize(join(root, dirname(page), path)));
        if (!existsSync(join(root, file))) broken.push(`${page}: ${target}`);
        else if (anchor !== undefined && !anchorsOf(file).has(anchor))
          broken.push(`${page}: ${target} has no such heading`);
      }
    }
    expect(broken).toEqual([]);
    expect(checked).toBeGreaterThan(50);
  });

  it('name files of the repository that exist', () => {
    const missing: string[] = [];
    let checked = 0;
    for (const page of pages)
      for (const [, path = ''] of textOf(page).matchAll(
        /\b((?:src|test|scripts|docs|examples)\/[\w./-]+\.(?:ts|tsx|mjs|js|md))\b/g,
      )) {
        checked += 1;
        if (!existsSync(join(root, path))) missing.push(`${page}: ${path}`);
      }
    expect(missing).toEqual([]);
    expect(checked).toBeGreaterThan(10);
  });

  it('name commands and options that exist', () => {
    const scripts: Record<string, string> = JSON.parse(textOf('package.json')).scripts;
    const unknown: string[] = [];
    let checked = 0;
    for (const page of pages) {
      const text = textOf(page).replace(/\\\n\s*/g, ' ');
      for (const [, name = ''] of text.matchAll(/\bnpm run ([\w:]+)/g)) {
        checked += 1;
        if (!scripts[name] && !page.startsWith('examples/')) unknown.push(`${page}: npm run ${name}`);
      }
      // In code, where a command begins: after a backtick, at the start of a line, behind npx or variables.
      for (const [, line = '', name = ''] of text.matchAll(/(?:`|^|npx |[A-Z_]+=\S+ )(waybill ([a-z]+)\b[^`\n|]*)/gm)) {
        const command = commands.find((one) => one.name === name);
        checked += 1;
        if (!command) {
          unknown.push(`${page}: waybill ${name}`);
          continue;
        }
        const options = new Set(
          command.options.flatMap((one) => [`--${one.name}`, ...(one.short ? [`-${one.short}`] : [])]),
        );
        for (const [option] of line.replace(/'[^']*'|"[^"]*"|#.*/g, '').matchAll(/(?<= )--?[a-z][a-z-]*/g))
          if (!options.has(option) && option !== '--help') unknown.push(`${page}: waybill ${name} ${option}`);
      }
    }
    expect(unknown).toEqual([]);
    expect(checked).toBeGreaterThan(20);
  });

  it('show JSON that can be parsed', () => {
    const broken: string[] = [];
    let checked = 0;
    for (const page of pages)
      for (const [, json = ''] of textOf(page).matchAll(/^```json\n([\s\S]*?)^```$/gm)) {
        checked += 1;
        try {
          JSON.parse(json);
        } catch (error) {
          broken.push(`${page}: ${(error as Error).message}`);
        }
      }
    expect(broken).toEqual([]);
    expect(checked).toBeGreaterThan(5);
  });
});
