import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyIndex } from './key-index.ts';
import { type PageEntry, readPage } from './list-page.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '\xff'), minLength: 1, maxLength: 6 });
const keys = fc.uniqueArray(key, { maxLength: 40 });

const nameOf = (entry: PageEntry) => ('key' in entry ? entry.key : entry.prefix);

/** The whole listing, by its definition. */
function model(all: readonly string[], prefix: string, delimiter: string): string[] {
  const names = all
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const at = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
      return at < 0 ? name : name.slice(0, at + delimiter.length);
    });
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
}

describe('createKeyIndex', () => {
  it('is a sorted set', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), key), { maxLength: 200 }), (steps) => {
        const index = createKeyIndex([]);
        const set = new Set<string>();
        for (const [add, name] of steps) {
          if (add) {
            index.add(name);
            set.add(name);
          } else {
            index.delete(name);
            set.delete(name);
          }
        }
        const walked: string[] = [];
        for (let at = index.next('', false); at !== undefined; at = index.next(at, true)) walked.push(at);
        expect(walked).toEqual([...set].sort((a, b) => (a < b ? -1 : 1)));
        expect(index.size).toBe(set.size);
      }),
    );
  });

  it('stays sorted when it grows past one run', () => {
    const index = createKeyIndex([]);
    const names = Array.from({ length: 5000 }, (_, at) => String((at * 7919) % 5000).padStart(5, '0'));
    for (const name of names) index.add(name);
    for (const name of names.slice(0, 2500)) index.delete(name);
    const walked: string[] = [];
    for (let at = index.next('', false); at !== undefined; at = index.next(at, true)) walked.push(at);
    expect(walked).toEqual(names.slice(2500).sort());
  });
});

describe('readPage', () => {
  it('returns every key and common prefix once and in order, page by page', () => {
    fc.assert(
      fc.property(
        keys,
        fc.constantFrom('', 'a', 'a/', 'b'),
        fc.constantFrom('', '/', 'b'),
        fc.integer({ min: 1, max: 5 }),
        (all, prefix, delimiter, limit) => {
          const index = createKeyIndex(all);
          const seen: string[] = [];
          for (let after = ''; ; ) {
            const page = readPage(index, { prefix, delimiter, after, limit });
            seen.push(...page.entries.map(nameOf));
            expect(page.entries.length).toBeLessThanOrEqual(limit);
            if (!page.truncated) break;
            after = seen.at(-1) ?? '';
          }
          expect(seen).toEqual(model(all, prefix, delimiter));
        },
      ),
    );
  });

  it('is not truncated when no entries were requested', () => {
    const page = readPage(createKeyIndex(['a', 'b']), { prefix: '', delimiter: '', after: '', limit: 0 });
    expect(page).toEqual({ entries: [], truncated: false });
  });

  it('begins after a common prefix when the marker is below it', () => {
    const index = createKeyIndex(['f/a/1', 'f/a/2', 'f/b']);
    const page = readPage(index, { prefix: 'f/', delimiter: '/', after: 'f/a/1', limit: 10 });
    expect(page.entries).toEqual([{ key: 'f/b' }]);
  });
});
