/**
 * Checks the language of code and documents. Some words have no place there, because they are archaic, vague or a
 * metaphor; the list says what to write instead. Comments fit into the same width as code. Part of `npm run check`.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

const words = new Map([
  ['afresh', 'again, or from the beginning'],
  ['amidst', 'among'],
  ['amongst', 'among'],
  ['anew', 'again, or new'],
  ['for ever', 'permanently, or without limit'],
  ['forthwith', 'immediately'],
  ['hence', 'therefore'],
  ['hereby', 'nothing: leave it out'],
  ['herein', 'here, or the name of the place'],
  ['hitherto', 'until now'],
  ['learnt', 'learned'],
  ['lest', 'so that ... does not'],
  ['mend', 'fix, or repair'],
  ['mended', 'fixed, or repaired'],
  ['mends', 'fixes, or repairs'],
  ['naught', 'nothing, or zero'],
  ['nobody', 'no user, no caller, no process: the noun that is meant'],
  ['nought', 'nothing, or zero'],
  ['ought', 'should'],
  ['thence', 'from there'],
  ['thereby', 'by this, or a second sentence'],
  ['therein', 'in it, or the name of the place'],
  ['thereof', 'of it, or the name of the thing'],
  ['upon', 'on, or after'],
  ['verily', 'nothing: leave it out'],
  ['whatever', 'any, every, or "regardless of"'],
  ['whence', 'from where'],
  ['whereby', 'by which'],
  ['wherein', 'in which'],
  ['whichever', 'any, or the one that ...'],
  ['whilst', 'while'],
  ['whoever', 'the user, caller or process that is meant'],
  ['whom', 'the user, caller or process that is meant'],
  ['whomever', 'the user, caller or process that is meant'],
]);

/** Where a word is data. Each entry needs a reason, and the check fails when an entry is no longer needed. */
const exempt = [
  { file: 'scripts/lib/words.mjs', words: [...words.keys()], reason: 'the list itself' },
  { file: 'test/docs/words.test.ts', words: ['whoever', 'nobody'], reason: 'examples for the test of this check' },
];

const searched = [
  'src',
  'web',
  'test',
  'scripts',
  'bench',
  'examples',
  'site',
  'docs',
  'README.md',
  'AGENTS.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
];

/** As `lineWidth` in biome.json. */
const maxColumns = 120;
const isText = /\.(ts|tsx|mts|mjs|js|jsx|css|html|md|json|svg)$/;
/** Not ours, or generated from docstrings, which are searched in their sources. */
const notSearched = new Set([
  'node_modules',
  'dist',
  '.waybill',
  '.next',
  'package-lock.json',
  'reference.md',
  'errors.md',
]);

// A whole word, also inside an identifier: `nobody`, `Nobody`, `lockedByNobody`, but not the "upon" of "coupon".
const pattern = new RegExp(
  [...words.keys()].flatMap((word) => [`(?<![A-Za-z])${word}(?![a-z])`, `${capitalised(word)}(?![a-z])`]).join('|'),
  'g',
);

/** Every such word of a text: `{ line, word, instead }`, with `line` counted from 1. */
export function findWords(text) {
  return text.split('\n').flatMap((content, index) =>
    [...content.matchAll(pattern)].map(([found]) => {
      const word = found.toLowerCase();
      return { line: index + 1, word, instead: words.get(word) };
    }),
  );
}

/** Lines of comments that are longer than code may be, which the formatter does not check. */
function findLongComments(file, text) {
  if (!/\.(ts|tsx|mts|mjs|js|jsx|css)$/.test(file)) return [];
  return text
    .split('\n')
    .map((content, index) => ({ line: index + 1, length: content.length, content }))
    .filter(({ length, content }) => length > maxColumns && /^\s*(\/\/|\/?\*)/.test(content));
}

/** Prints every word and every long comment that is found, and resolves to an exit code, as a tool does. */
export function checkWords() {
  const files = searched.flatMap(filesUnder);
  const unused = new Set(exempt);
  let found = 0;
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const { line, length } of findLongComments(file, text)) {
      found += 1;
      console.error(`${file}:${line}: a comment of ${length} columns. Write at most ${maxColumns}.`);
    }
    for (const { line, word, instead } of findWords(text)) {
      const exemption = exempt.find((entry) => entry.file === file && entry.words.includes(word));
      if (exemption) {
        unused.delete(exemption);
      } else {
        found += 1;
        console.error(`${file}:${line}: "${word}". Write instead: ${instead}.`);
      }
    }
  }
  for (const { file, reason } of unused)
    console.error(`scripts/lib/words.mjs: "${file}" (${reason}) needs no exemption.`);
  if (files.length === 0) console.error('scripts/lib/words.mjs found no file to search.');
  return files.length > 0 && found === 0 && unused.size === 0 ? 0 : 1;
}

/** Paths from the root, with `/` between folders. */
function filesUnder(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .filter((name) => !notSearched.has(name))
    .flatMap((name) => filesUnder(`${path}/${name}`))
    .filter((file) => isText.test(file));
}

function capitalised(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
