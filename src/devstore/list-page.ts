/** One page of keys in order, those that share a prefix up to the delimiter folded into one. Shared by every listing. */
import type { KeyIndex } from './key-index.ts';

export interface PageRequest {
  prefix: string;
  delimiter: string;
  /** Only what comes after; a common prefix is skipped with all that is under it. */
  after: string;
  /** Keys and common prefixes together. */
  limit: number;
}

export type PageEntry = { key: string } | { prefix: string };

export interface Page {
  entries: PageEntry[];
  truncated: boolean;
}

/** All are byte strings. */
export function readPage(keys: Pick<KeyIndex, 'next'>, { prefix, delimiter, after, limit }: PageRequest): Page {
  const entries: PageEntry[] = [];
  const skipped = findCommonPrefix(after, prefix, delimiter);
  // A marker that is, or lies under, a common prefix has shown it already.
  let key =
    skipped !== null && after !== '' && isShown(skipped, after)
      ? keys.next(afterPrefix(skipped), false)
      : keys.next(after, after !== '');
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

/** The part of the key up to the first delimiter behind the prefix; null when there is none. */
function findCommonPrefix(key: string, prefix: string, delimiter: string): string | null {
  if (delimiter === '' || !key.startsWith(prefix)) return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? null : key.slice(0, at + delimiter.length);
}

/**
 * `start-after=photos/2006/a` with the prefix `photos/2006/` inside it: S3 skips the common prefix only when the
 * marker is the prefix itself or beyond it, and every marker that begins with it is.
 */
function isShown(common: string, after: string): boolean {
  return after.startsWith(common);
}

/** Sorts behind everything that begins with `prefix`: U+0100 is above every byte. */
function afterPrefix(prefix: string): string {
  return `${prefix}\u0100`;
}
