import { describe, expect, it } from 'vitest';
import { errorTable } from 'waybill';
import { describeKinds, wordsFor } from './words.ts';

const facts = { fileName: 'harbour.jpg', size: 31_000_000 };
const codes = Object.keys(errorTable);

describe('words', () => {
  it('has a sentence for every code, and no code in any sentence', () => {
    expect(codes.length).toBeGreaterThan(25);
    for (const code of codes) {
      const { title, advice } = wordsFor(code, facts);
      expect(title.length, code).toBeGreaterThan(4);
      expect(advice, code).toMatch(/[.]$/);
      expect(`${title} ${advice}`, code).not.toMatch(/_|\b(MIME|HTTP|[45]\d\d|checksum|hash|presign|grant)\b/);
    }
  });

  it('offers to try again whatever the protocol calls retryable', () => {
    for (const [code, { retryable }] of Object.entries(errorTable)) {
      if (retryable) expect(wordsFor(code, facts).again, code).toBe(true);
    }
  });

  it('names both sizes when a file is too large', () => {
    expect(wordsFor('file_too_large', { ...facts, details: { maxBytes: 20_000_000 } }).advice).toBe(
      'It has 31 MB; at most 20 MB are taken here.',
    );
  });

  it('calls an empty file empty', () => {
    expect(wordsFor('file_too_small', { ...facts, size: 0 }).title).toBe('Empty');
  });

  it('names the kinds that are taken', () => {
    expect(wordsFor('content_type_not_allowed', { ...facts, details: { contentTypes: ['image/*'] } }).advice).toBe(
      'Only images are taken here.',
    );
    expect(describeKinds(['image/*', 'video/*', 'application/pdf'])).toBe('images, videos and PDF documents');
    expect(describeKinds(['*/*'])).toBe('');
  });

  it('survives a code from the future, and a prototype name', () => {
    for (const code of ['moon_in_the_way', 'constructor', '__proto__'])
      expect(wordsFor(code, facts).title).toBe('Something went wrong');
  });
});
