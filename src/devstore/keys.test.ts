import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUri, fileNameToKey, fromBytes, keyToFileName, toBytes } from './keys.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });

describe('keys', () => {
  it('are unchanged after a conversion to bytes and back', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (key) => fromBytes(toBytes(key)) === key));
  });

  it('sort like their UTF-8 bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const byBytes = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const [x, y] = [toBytes(a), toBytes(b)];
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(byBytes);
      }),
    );
  });

  it('are decoded from a path as they were encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => fromBytes(decodeUri(encodeURIComponent(key))) === key),
    );
  });

  it.each(['%', '%4', '%zz', '%FF', '%C3%28', '%ED%A0%80'])('are refused in the path %s', (path) => {
    expect(() => decodeUri(path)).toThrow(expect.objectContaining({ code: 'InvalidURI' }));
  });
});

describe('file names', () => {
  it('are unique per key, also when case and Unicode normalisation are ignored, and never leave the folder', () => {
    const folded = (key: string) => keyToFileName(toBytes(key)).toLowerCase().normalize('NFD');
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(keyToFileName(toBytes(a))).toMatch(/^[kh][a-z0-9_=-]{0,200}$/);
        if (a !== b && toBytes(a) !== toBytes(b)) expect(folded(a)).not.toBe(folded(b));
      }),
    );
  });

  it.each(['a', 'a/', 'a/b', '.', '..', '../../etc/passwd', '\0', 'CON', 'con', 'é', 'é', ''])(
    'of %j gives the key back',
    (key) => expect(fileNameToKey(keyToFileName(toBytes(key)))).toBe(toBytes(key)),
  );

  it('are a hash for the longest keys', () => {
    const key = 'K'.repeat(1024);
    expect(keyToFileName(key)).toHaveLength(65);
    expect(fileNameToKey(keyToFileName(key))).toBeNull();
  });
});
