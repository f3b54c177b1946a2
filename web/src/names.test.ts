import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf, printableName, shortName } from './names.ts';

describe('names', () => {
  it('shows what a right-to-left override would hide', () => {
    expect(printableName('photo\u202Egpj.exe')).toBe('photo\uFFFDgpj.exe');
  });

  it('leaves ordinary names of any script alone, emoji families included', () => {
    for (const name of [
      'Hafen im März.jpg',
      '港の写真.png',
      'صورة.jpg',
      '👩‍👩‍👧‍👦 at sea.mp4',
      '<img src=x onerror=alert(1)>.png',
    ])
      expect(printableName(name)).toBe(name);
  });

  it('never prints a control or bidi character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const printed = printableName(name);
        expect(printed).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F]/u);
        expect(printed.length).toBeGreaterThan(0);
      }),
    );
  });

  it('keeps both ends of a long name', () => {
    const short = shortName(`${'a'.repeat(300)}-final.tar.gz`);
    expect([...short]).toHaveLength(60);
    expect(short).toMatch(/^a+….*-final\.tar\.gz$/);
  });

  it.each([
    ['image/jpeg', 'JPEG image'],
    ['audio/x-wav', 'WAV sound'],
    ['application/pdf', 'PDF'],
    ['text/plain', 'text'],
    ['application/octet-stream', 'file'],
  ])('%s is a %s', (contentType, kind) => {
    expect(kindOf(contentType)).toBe(kind);
  });
});
