import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalEscapes, encodeComponent, encodeKey } from './encode.ts';

it.each([
  ['AZaz09-._~', 'AZaz09-._~'],
  ["!'()*", '%21%27%28%29%2A'],
  [' +%/', '%20%2B%25%2F'],
  ['é😀', '%C3%A9%F0%9F%98%80'],
  ['\u0000\n', '%00%0A'],
])('encodeComponent(%j) returns %s', (text, encoded) => {
  expect(encodeComponent(text)).toBe(encoded);
  expect(encodeKey(text)).toBe(encoded.replaceAll('%2F', '/'));
});

it('encodeKey() keeps slashes only', () => {
  expect(encodeKey('a/b c//%2F/')).toBe('a/b%20c//%252F/');
});

it('canonicalEscapes() returns the same form for every encoding of a text', () => {
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

it('canonicalEscapes() returns null for a broken escape', () => {
  for (const broken of ['%', '%a', '%zz', 'a%2', '€']) expect(canonicalEscapes(broken, '/')).toBeNull();
  // These bytes are not UTF-8.
  expect(canonicalEscapes('%ff\u00fe', '/')).toBe('%FF%FE');
});
