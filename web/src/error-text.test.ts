import { expect, it } from 'vitest';
import { errorTable, WaybillError } from 'waybill';
import { describeContentTypes, errorText, warningText } from './error-text.ts';

const facts = { size: 31_000_000 };
const codes = Object.keys(errorTable);

it('errorText() has sentences for every code, and no jargon in them', () => {
  expect(codes.length).toBeGreaterThan(25);
  for (const code of codes) {
    const { title, advice } = errorText(code, facts);
    expect(title.length, code).toBeGreaterThan(4);
    expect(advice, code).toMatch(/[.]$/);
    expect(`${title} ${advice}`, code).not.toMatch(/_|\b(MIME|HTTP|[45]\d\d|checksum|hash|presign|grant)\b/);
  }
});

it('errorText() offers a retry for every code that the protocol calls retryable', () => {
  for (const [code, { retryable }] of Object.entries(errorTable)) {
    if (retryable) expect(errorText(code, facts).canRetry, code).toBe(true);
  }
});

it('errorText() names both sizes when a file is too large', () => {
  expect(errorText('file_too_large', { ...facts, details: { maxBytes: 20_000_000 } }).advice).toBe(
    'It has 31 MB; at most 20 MB are accepted here.',
  );
});

it('errorText() calls an empty file empty', () => {
  expect(errorText('file_too_small', { ...facts, size: 0 }).title).toBe('Empty');
});

it('errorText() names the accepted types', () => {
  expect(errorText('content_type_not_allowed', { ...facts, details: { contentTypes: ['image/*'] } }).advice).toBe(
    'Only images are accepted here.',
  );
  expect(describeContentTypes(['image/*', 'video/*', 'application/pdf'])).toBe('images, videos and PDF documents');
  expect(describeContentTypes(['*/*'])).toBe('');
});

it('errorText() has a general text for an unknown code and for a name of the prototype', () => {
  for (const code of ['code_of_a_newer_server', 'constructor', '__proto__'])
    expect(errorText(code, facts).title).toBe('Something went wrong');
});

it('warningText() names both types', () => {
  const details = { declared: 'image/png', detected: 'text/html' };
  expect(warningText(new WaybillError('content_type_mismatch', 'x', { details }))).toBe(
    'Its name says PNG image, but its content looks like HTML text. The server may refuse it.',
  );
});
