/** Reads one page of keys in order, with the keys that share a prefix up to the delimiter as one common prefix. */
import type { KeyIndex } from './key-index.ts';

export interface PageRequest {
  prefix: string;
  delimiter: string;
  /** The page begins after this key or common prefix. */
  after: string;
  /** The maximum number of keys and common prefixes together. */
  limit: number;
}

export type PageEntry = { key: string } | { prefix: string };

export interface Page {
  entries: PageEntry[];
  truncated: boolean;
}

/** All texts are byte strings. */
export function readPage(keys: Pick<KeyIndex, 'next'>, { prefix, delimiter, after, limit }: PageRequest): Page {
  const entries: PageEntry[] = [];
  const skipped = findCommonPrefix(after, prefix, delimiter);
  // A marker that begins with a common prefix is on a page that contained the prefix, so S3 skips all keys below it.
  let key = skipped !== null && after !== '' ? keys.next(afterPrefix(skipped), false) : keys.next(after, after !== '');
  if (key !== undefined && key < prefix) key = keys.next(prefix, false);
  while (key?.startsWith(prefix)) {
    if (entries.length === limit) return { entries, truncated: limit > 0 };
    const common = findCommonPrefix(key, prefix, delimiter);
    if (common === null) {
      entries.push({ key });
      key = keys.next(key, true);
    } else {
      entries.push({ prefix: common });
      key = keys.next(afterPrefix(common), false);
    }
  }
  return { entries, truncated: false };
}

/** Returns the key up to the first delimiter after the prefix, or null when there is none. */
function findCommonPrefix(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '' || !key.startsWith(prefix)) return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? null : key.slice(0, at + delimiter.length);
}

/** Returns a text that sorts after every key with this prefix: U+0100 is greater than every byte. */
function afterPrefix(prefix: string): string {
  return `${prefix}\u0100`;
}
