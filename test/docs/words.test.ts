/** The word check of `npm run check` finds whole words, in text and in identifiers. */
import { expect, it } from 'vitest';
import { findWords } from '../../scripts/lib/words.mjs';

const wordsOf = (text: string) => findWords(text).map(({ line, word }) => `${line}: ${word}`);

it('findWords() reports the line of each word', () => {
  expect(wordsOf('One line.\nNobody waits for whoever is late.')).toEqual(['2: nobody', '2: whoever']);
});

it('findWords() reports a word inside an identifier', () => {
  expect(wordsOf('const lockedByNobody = nobodyLocks(nobody_else);')).toEqual(['1: nobody', '1: nobody', '1: nobody']);
});

it('findWords() leaves longer words alone', () => {
  expect(wordsOf('A coupon was bought at Mendel street; the rest is a test.')).toEqual([]);
});

it('findWords() says what to write instead', () => {
  expect(findWords('whoever').map(({ instead }) => instead)).toEqual(['the user, caller or process that is meant']);
});
