/** The document site: `npm run docs` builds it from docs/ and other Markdown files of the repository. */
import { readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type MarkdownEnv, type MarkdownRenderer } from 'vitepress';
import { anchorOf } from '../../scripts/lib/reference.mjs';
import { linkOnSite } from '../links.ts';
import { files, type Page, placeOf, sections } from '../pages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const icon = readFileSync(join(root, 'web/src/icon.svg'), 'utf8');

type Token = ReturnType<MarkdownRenderer['parse']>[number];

const linkTo = ({ file, anchor }: Page) =>
  `/${placeOf(file).replace(/(^index)?\.md$/, '')}${anchor === undefined ? '' : `#${anchor}`}`;

/** Picomatch patterns for every Markdown file but those of the site. */
const excluded = [
  '!(docs|examples|test|CHANGELOG.md|CONTRIBUTING.md|README.md)/**',
  'examples/*/!(README.md)',
  'examples/*/*/**',
  'test/*/**',
];

/** Resolves the links of one line. Of a link to a file that the site does not have, the text stays. */
function linksOnSite(from: string, tokens: Token[]): Token[] {
  let isRemoved = false;
  return tokens.filter((token) => {
    if (token.type === 'link_close') return !isRemoved;
    if (token.type !== 'link_open') return true;
    const link = linkOnSite(from, token.attrGet('href') ?? '');
    isRemoved = link === undefined;
    if (link !== undefined) token.attrSet('href', link);
    return !isRemoved;
  });
}

/** The index contains words only, so code needs no colours. This halves the time of the build. */
function renderForSearch(text: string, env: MarkdownEnv, md: MarkdownRenderer): string {
  const { highlight } = md.options;
  md.options.highlight = null;
  try {
    return md.render(text, env);
  } finally {
    md.options.highlight = highlight;
  }
}

export default defineConfig({
  title: 'Waybill',
  description: 'Direct, secure file uploads from apps to S3-compatible storage. The server only signs.',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  srcDir: root,
  srcExclude: excluded,
  outDir: `${root}.cache/site`,
  cacheDir: `${root}.cache/vitepress`,
  rewrites: Object.fromEntries(files.map((file) => [file, placeOf(file)])),
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    anchor: { slugify: anchorOf },
    // The default colours have too little contrast for axe.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      md.core.ruler.push('links-of-the-site', ({ tokens, env }) => {
        const from = relative(root, env.realPath ?? env.path).replaceAll('\\', posix.sep);
        for (const token of tokens) token.children = token.children && linksOnSite(from, token.children);
      });
    },
  },
  themeConfig: {
    search: { provider: 'local', options: { _render: renderForSearch } },
    outline: [2, 3],
    sidebar: sections.map(({ title, pages }) => ({
      text: title,
      items: pages.map((page) => ({ text: page.title, link: linkTo(page) })),
    })),
  },
});
