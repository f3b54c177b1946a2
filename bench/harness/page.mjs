/** Writes docs/benchmarks.md: each suite replaces the text between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs';

const page = new URL('../../docs/benchmarks.md', import.meta.url);

const marks = (bench) => [`<!-- bench:${bench} -->`, `<!-- /bench:${bench} -->`];

/** @param {string} bench @param {string} text */
export function writeSection(bench, text) {
  const [begin, end] = marks(bench);
  const before = readFileSync(page, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`docs/benchmarks.md has no place for ${bench}: it needs ${begin} and ${end}.`);
  writeFileSync(page, `${before.slice(0, from + begin.length)}\n${text}\n${before.slice(to)}`);
}
