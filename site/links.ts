/**
 * Links of the Markdown files are relative to the file, so that they work on GitHub and in the package. Here they
 * become links of the site.
 */
import { posix } from 'node:path';
import { files, placeOf } from './pages.ts';

/** GitHub opens README.md when a link leads to a folder. */
function pageAt(path: string): string | undefined {
  return [path, posix.join(path, 'README.md')].find((candidate) => files.includes(candidate));
}

/**
 * @param from the Markdown file with the link, from the root of the repository
 * @returns the link on the site; `undefined` when the link leads to a file that the site does not have
 * @example linkOnSite('docs/storage.md', '../CONTRIBUTING.md#add-an-adapter') // '/contributing.md#add-an-adapter'
 */
export function linkOnSite(from: string, href: string): string | undefined {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const page = pageAt(posix.join(posix.dirname(from), path).replace(/\/$/, ''));
  if (page === undefined) return undefined;
  return `/${placeOf(page)}${anchor === undefined ? '' : `#${anchor}`}`;
}
