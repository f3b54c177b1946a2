/**
 * Every link, path and command in a Markdown file exists, so does every path in a comment, and JSON examples can be
 * parsed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { anchorOf } from '../../scripts/lib/reference.mjs';
import { loadCommands } from '../../src/cli/index.ts';

const commands = await loadCommands();
const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = filesUnder('', /\.md$/);
const isSource = /\.(ts|tsx|mts|mjs|js|jsx)$/;
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

describe('Markdown files', () => {
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

  it('name files and folders of the repository that exist', () => {
    const missing: string[] = [];
    let checked = 0;
    for (const page of pages)
      for (const path of pathsIn(textOf(page))) {
        checked += 1;
        // docs/frameworks.md shows files of an example, whose names begin at its folder.
        const folders = ['', dirname(page), 'examples/sveltekit'];
        if (!folders.some((folder) => existsSync(join(root, folder, path)))) missing.push(`${page}: ${path}`);
      }
    expect(missing).toEqual([]);
    expect(checked).toBeGreaterThan(60);
  });

  it('name commands and options that exist', () => {
    const unknown: string[] = [];
    let checked = 0;
    for (const page of pages) {
      const text = textOf(page).replace(/\\\n\s*/g, ' ');
      const scripts = scriptsFor(page);
      for (const [, name = ''] of text.matchAll(/\bnpm run ([\w:-]+)/g)) {
        checked += 1;
        if (!scripts.has(name)) unknown.push(`${page}: npm run ${name}`);
      }
      // Only where a command begins: after a backtick, `npx` or variables, or at the start of a line.
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

  it('contain JSON that can be parsed', () => {
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

it('comments in sources name files that exist', () => {
  const missing: string[] = [];
  let checked = 0;
  for (const file of ['src', 'web', 'test', 'scripts', 'bench', 'examples', 'site'].flatMap((folder) =>
    filesUnder(folder, isSource),
  ))
    for (const comment of textOf(file).match(/^\s*(?:\/\/|\/?\*).*$/gm) ?? [])
      for (const path of pathsIn(comment).filter((found) => /\.\w+$/.test(found))) {
        checked += 1;
        if (!existsSync(join(root, path))) missing.push(`${file}: ${path}`);
      }
  expect(missing).toEqual([]);
  expect(checked).toBeGreaterThan(20);
});

/** Every file below a folder that is ours, by its path from the root. */
function filesUnder(folder: string, isWanted: RegExp): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return /^(?:\.\w+|node_modules|dist)$/.test(entry.name) ? [] : filesUnder(path, isWanted);
    return isWanted.test(entry.name) ? [path] : [];
  });
}

/** Paths that begin with a folder of the repository; of a path with `*`, the folder before it. */
function pathsIn(text: string): string[] {
  const found = text.matchAll(
    /(?<![\w./@-])(?:(?:src|web|test|scripts|bench|examples|docs|\.ci)\/[\w./*-]*|[A-Z]{4,}\.md\b)/g,
  );
  return [...found]
    .map(([path]) => path.replace(/\/?\*.*$/, '').replace(/[./]+$/, ''))
    .filter((path) => !path.includes('node_modules'));
}

/** Scripts of this package, and of the example that a page describes. */
function scriptsFor(page: string): Set<string> {
  const manifests = ['package.json', `${dirname(page)}/package.json`].filter((file) => existsSync(join(root, file)));
  return new Set(manifests.flatMap((file) => Object.keys(JSON.parse(textOf(file)).scripts ?? {})));
}
