import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentDisposition, isInlineAnywhere, isInlineOnStorageOrigin } from '../shared/disposition.ts';
import { cleanFileName } from './file-name.ts';

describe('file names', () => {
  it.each([
    ['photo.png', 'photo.png'],
    ['Großes Foto (1).png', 'Großes Foto (1).png'],
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['/', 'file'],
    ['..', 'file'],
    ['...', 'file'],
    ['a\u0000b\r\nc.png', 'abc.png'],
    ['invoice\u202egnp.exe', 'invoicegnp.exe'],
    ['con', '_con'],
    ['LPT1.txt', '_LPT1.txt'],
    ['console.txt', 'console.txt'],
    ['a.html .', 'a.html'],
    ['setup.exe. .\u00a0', 'setup.exe'],
    ['a.html.\u3000', 'a.html'],
    ['a.html.\u200b', 'a.html'],
    ['a.html.\u202f.\u2009 ', 'a.html'],
    ['\u00a0 a.png', 'a.png'],
    ['my  photo.png', 'my  photo.png'],
    ['15\u202f000\u00a0km.png', '15\u202f000\u00a0km.png'],
    ['con .txt', '_con .txt'],
    [`${'x'.repeat(253)}. .y y`, `${'x'.repeat(253)}`],
    ['a<b>:"|?*.png', 'a_b______.png'],
    ['\ud800.png', '_.png'],
    ['👨‍👩‍👧.heic', '👨‍👩‍👧.heic'],
  ])('%j becomes %j', (given, shown) => {
    expect(cleanFileName(given)).toBe(shown);
  });

  it('are clean, short and stable for every input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (given) => {
        const name = cleanFileName(given);
        // One comparison instead of five: there are thousands of names.
        const broken = [
          name === '' && 'empty',
          Buffer.byteLength(name) > 255 && 'too long',
          /[/\\\p{Surrogate}]/u.test(name) && 'a path, or half a character',
          /^\s|[.\s]$/.test(name) && 'a space or a dot at an end',
          cleanFileName(name) !== name && 'not stable',
        ].filter(Boolean);
        expect([name, broken]).toEqual([name, []]);
      }),
      { numRuns: 2000 },
    );
  });

  it('keep their extension when they are shortened', () => {
    expect(cleanFileName(`${'ä'.repeat(200)}.jpeg`)).toMatch(/^ä+\.jpeg$/);
  });
});

describe('Content-Disposition', () => {
  it.each([
    ['a.png', 'attachment; filename="a.png"'],
    ['a"b\\c.png', `attachment; filename="a_b_c.png"; filename*=UTF-8''a%22b%5Cc.png`],
    ['€ 5%.txt', `attachment; filename="_ 5_.txt"; filename*=UTF-8''%E2%82%AC%205%25.txt`],
    ['a  b.txt', `attachment; filename="a b.txt"; filename*=UTF-8''a%20%20b.txt`],
    ["it's(1)*.txt", 'attachment; filename="it\'s(1)*.txt"'],
  ])('of the file name %j is one valid header', (name, header) => {
    expect(contentDisposition('attachment', name)).toBe(header);
  });

  it('is one header with one name for every file name (D4)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const header = contentDisposition('inline', name);
        expect(header).toMatch(
          /^inline; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*"(; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})*)?$/,
        );
        // Nothing that a canonical header would fold.
        expect(header).not.toMatch(/^ | {2}| $/);
        const extended = /UTF-8''(.*)$/.exec(header)?.[1];
        const plain = /filename="([^"]*)"/.exec(header)?.[1];
        const meant = extended === undefined ? plain : decodeURIComponent(extended);
        expect(meant).toBe(name.replace(/\p{Surrogate}/gu, '_'));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['image/png', true, true],
    ['video/mp4', true, true],
    ['text/plain', true, true],
    ['application/pdf', false, true],
    ['image/svg+xml', false, false],
    ['text/html', false, false],
    ['application/xhtml+xml', false, false],
    ['text/xml', false, false],
    ['video/x+xml', false, false],
    ['application/octet-stream', false, false],
  ])('of %s is inline on any origin: %s, and on the origin of the storage: %s', (type, anywhere, storage) => {
    expect([isInlineAnywhere(type), isInlineOnStorageOrigin(type)]).toEqual([anywhere, storage]);
  });
});
