import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalEscapes, encodeComponent, encodeKey } from './encode.ts';

it.each([
  ['AZaz09-._~', 'AZaz09-._~'],
  ["!'()*", '%21%27%28%29%2A'],
  [' +%/', '%20%2B%25%2F'],
  ['é😀', '%C3%A9%F0%9F%98%80'],
  ['\u0000\n', '%00%0A'],
])('%j becomes %s', (text, encoded) => {
  expect(encodeComponent(text)).toBe(encoded);
  expect(encodeKey(text)).toBe(encoded.replaceAll('%2F', '/'));
});

it('a key keeps its slashes, and only those', () => {
  expect(encodeKey('a/b c//%2F/')).toBe('a/b%20c//%252F/');
});

it('any spelling of any text has one canonical form', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = encodeComponent(text);
      expect(decodeURIComponent(encoded)).toBe(text);
      expect(canonicalEscapes(encoded, '')).toBe(encoded);
      const everyByte = [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      expect(canonicalEscapes(everyByte, '')).toBe(encoded);
      expect(canonicalEscapes(everyByte, '/')).toBe(encodeKey(text));
    }),
  );
});

it('what is no spelling has none', () => {
  for (const broken of ['%', '%a', '%zz', 'a%2', '€']) expect(canonicalEscapes(broken, '/')).toBeNull();
  // Not UTF-8, but bytes all the same.
  expect(canonicalEscapes('%ff\u00fe', '/')).toBe('%FF%FE');
});
