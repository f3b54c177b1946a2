import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeContentType, printableName, shortName } from './file-names.ts';

it('printableName() replaces a right-to-left override', () => {
  expect(printableName('photo\u202Egpj.exe')).toBe('photo\uFFFDgpj.exe');
});

it('printableName() keeps names of any script, and joined emoji', () => {
  for (const name of [
    'Hafen im März.jpg',
    '港の写真.png',
    'صورة.jpg',
    '👩‍👩‍👧‍👦 at sea.mp4',
    '<img src=x onerror=alert(1)>.png',
  ])
    expect(printableName(name)).toBe(name);
});

it('printableName() returns no control or direction character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const printable = printableName(name);
      expect(printable).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F]/u);
      expect(printable.length).toBeGreaterThan(0);
    }),
  );
});

it('shortName() keeps both ends of a long name', () => {
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
])('describeContentType(%s) is %s', (contentType, kind) => {
  expect(describeContentType(contentType)).toBe(kind);
});
