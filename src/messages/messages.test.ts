/** Every language has every message with every placeholder, in every plural form that the language has. */
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../protocol/index.ts';
import {
  type Catalogue,
  createTranslator,
  describeTypes,
  en,
  errorText,
  languageOf,
  languages,
  loadMessages,
} from './index.ts';

const keys = Object.keys(en) as (keyof Catalogue)[];
const namesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
/** A plural form such as `one` may write its number as a word. */
const withoutCount = (names: string[]) => names.filter((name) => name !== 'count').sort();
const formsOf = (entry: string | { readonly [form: string]: string }) =>
  typeof entry === 'string' ? { other: entry } : entry;

it('every catalogue of the folder is a language, and there are at least twelve', async () => {
  const files = await readdir(new URL('.', import.meta.url));
  expect(
    files
      .filter((file) => /^[a-z]{2}\.ts$/.test(file))
      .map((file) => file.slice(0, 2))
      .sort(),
  ).toEqual([...languages].sort());
  expect(languages.length).toBeGreaterThanOrEqual(12);
});

describe.each(languages)('%s', (language) => {
  it('has every message, with the placeholders of the English one', async () => {
    const catalogue = await loadMessages(language);
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      const wanted = withoutCount(namesIn(formsOf(en[key]).other ?? ''));
      for (const [form, text] of Object.entries(formsOf(catalogue[key]))) {
        expect(text.trim(), `${key}.${form}`).not.toBe('');
        expect(withoutCount(namesIn(text)), `${key}.${form}`).toEqual(wanted);
      }
      const { other = '' } = formsOf(catalogue[key]);
      if (typeof en[key] !== 'string' && language !== 'en') expect(namesIn(other), key).toContain('count');
    }
  });

  it('has exactly the plural forms of the language, and writes each of them', async () => {
    const catalogue = await loadMessages(language);
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    // Spanish, French, Italian and Portuguese have `many` for whole millions, which `other` serves.
    const needed = pluralCategories.filter((form) => form !== 'many' || !['es', 'fr', 'it', 'pt'].includes(language));
    for (const key of keys) {
      const entry = catalogue[key];
      if (typeof entry === 'string') continue;
      expect(Object.keys(entry).sort(), key).toEqual([...needed].sort());
    }
    const { text } = createTranslator(catalogue, language);
    for (const count of [0, 1, 2, 3, 5, 11, 21, 100]) expect(text('added', { count })).not.toMatch(/[{}]/);
  });

  it('has a sentence for every error code, without a placeholder left and without jargon', async () => {
    const translator = createTranslator(await loadMessages(language), language);
    const codes = Object.keys(errorTable);
    expect(codes.length).toBeGreaterThan(30);
    for (const code of codes) {
      const details = {
        size: 5_000_000,
        maxBytes: 2_000_000,
        minBytes: 9_000_000,
        maxFiles: 3,
        contentTypes: ['image/*'],
      };
      for (const error of [{ code }, { code, details }]) {
        const text = errorText(translator, error);
        expect(text, code).toMatch(/\p{L}{2}.*[.。।]$/u);
        expect(text, code).not.toMatch(/[{}_]|NaN|undefined|\b(MIME|HTTP|[45]\d\d|checksum|presign|grant)\b/);
      }
    }
  });
});

it('errorText() names both sizes, in exact bytes when they would round to the same text', () => {
  const translator = createTranslator(en, 'en');
  const tooLarge = (size: number, maxBytes: number) =>
    errorText(translator, { code: 'file_too_large', details: { size, maxBytes } });
  expect(tooLarge(5_000_000, 2_000_000)).toBe('This file is too large: it has 5 MB, and the limit is 2 MB.');
  expect(tooLarge(2_000_001, 2_000_000)).toContain('2,000,001 bytes, and the limit is 2,000,000 bytes');
  expect(errorText(translator, { code: 'file_too_small', details: { size: 0, minBytes: 1 } })).toBe(
    'This file is empty.',
  );
});

it('errorText() has a general sentence for an unknown code and for a name of the prototype', () => {
  const translator = createTranslator(en, 'en');
  for (const code of ['code_of_a_newer_server', 'constructor', '__proto__'])
    expect(errorText(translator, { code })).toBe(en.errorServer);
});

it('describeTypes() names the kinds of files that people know', async () => {
  const german = createTranslator(await loadMessages('de'), 'de');
  const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
  expect(describeTypes(german, { contentTypes: ['image/*', 'application/pdf', word] })).toBe('Bilder, PDF und DOCX');
  expect(describeTypes(german, { contentTypes: ['image/*'], extensions: ['jpg', 'png'] })).toBe('JPG, PNG');
  expect(describeTypes(german, { contentTypes: ['*/*'] })).toBe('');
});

it('languageOf() takes the language of a tag, and English for an unknown one', () => {
  expect(['pt-BR', 'DE', 'xx', '', 'constructor'].map(languageOf)).toEqual(['pt', 'de', 'en', 'en', 'en']);
});

it('createTranslator() writes numbers and sizes of the language, and accepts a language that Intl does not know', () => {
  const german = createTranslator(en, 'de');
  expect([german.size(3_200_000), german.size(12_345_678), german.size(812)]).toEqual(['3,2 MB', '12 MB', '812 Byte']);
  expect(createTranslator(en, 'not a tag').text('added', { count: 1200 })).toBe('1,200 files added');
  expect(createTranslator(en, 'en').text('removed', { fileName: '{size} $& x' })).toBe('{size} $& x removed');
});
