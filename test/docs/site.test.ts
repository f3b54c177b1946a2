/** The pages of the document site: the sidebar has every page of docs/, and links lead to the place of a page. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { anchorOf } from '../../scripts/lib/reference.mjs';
import { linkOnSite } from '../../site/links.ts';
import { files, placeOf, sections } from '../../site/pages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = sections.flatMap((section) => section.pages);

describe('the sidebar of the site', () => {
  it('has every page of docs/ and every example', () => {
    const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file.replaceAll('\\', '/')}`);
    const examples = readdirSync(join(root, 'examples'))
      .map((name) => `examples/${name}/README.md`)
      .filter((file) => existsSync(join(root, file)));
    expect(docs.length).toBeGreaterThan(10);
    expect(examples.length).toBeGreaterThan(5);
    const missing = [...docs, ...examples].filter((file) => !pages.some((page) => page.file === file));
    expect(missing, 'Add each of these pages to a section of site/pages.ts.').toEqual([]);
  });

  it('names files and headings that exist, each once', () => {
    for (const { file, anchor } of pages) {
      expect(existsSync(join(root, file)), `site/pages.ts names ${file}`).toBe(true);
      if (anchor === undefined) continue;
      const headings = [...readFileSync(join(root, file), 'utf8').matchAll(/^#+ (.+)$/gm)];
      expect(headings.map(([, heading = '']) => anchorOf(heading))).toContain(anchor);
    }
    const targets = pages.map(({ file, anchor }) => `${file}#${anchor ?? ''}`);
    expect(targets).toEqual([...new Set(targets)]);
    expect(new Set(files.map(placeOf)).size).toBe(files.length);
  });
});

describe('linkOnSite()', () => {
  it.each([
    ['docs/recipes.md', 'storage.md#events', '/storage.md#events'],
    ['docs/postmortems/check-and-use.md', '../storage.md', '/storage.md'],
    ['docs/architecture.md', '../CONTRIBUTING.md#add-an-adapter', '/contributing.md#add-an-adapter'],
    ['docs/architecture.md', '../README.md', '/index.md'],
    ['docs/architecture.md', '../examples/express', '/examples/express.md'],
    ['test/README.md', '../docs/threat-model.md', '/threat-model.md'],
    ['docs/storage.md', '#events', '#events'],
    ['docs/storage.md', 'https://example.com/a.md', 'https://example.com/a.md'],
  ])('resolves in %s the link %s', (from, href, link) => {
    expect(linkOnSite(from, href)).toBe(link);
  });

  it('answers undefined for a file that the site does not have', () => {
    expect(linkOnSite('docs/storage.md', '../src/s3/storage.ts')).toBeUndefined();
    expect(linkOnSite('test/README.md', 'fixtures/README.md')).toBeUndefined();
  });
});
