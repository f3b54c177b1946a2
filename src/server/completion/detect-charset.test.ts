import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectInfo, Storage } from '../../s3/index.ts';
import { hasCharset, splitCharset, withCharset } from '../shared/charset.ts';
import { detectCharset } from './detect-charset.ts';

const headBytes = 4100;
const german = 'Grüße aus Köln, naïve café, 日本語\n';

/** A storage that has nothing but these bytes, and counts how often it is read. */
function staged(bytes: Uint8Array, { whole = false } = {}) {
  const reads: (readonly [number, number])[] = [];
  const info = { key: 'incoming/a', size: bytes.length, etag: '"a"', contentType: 'text/plain' } as ObjectInfo;
  const storage: Pick<Storage, 'get'> = {
    async get(_, { range = [0, bytes.length - 1] as const } = {}) {
      reads.push(range);
      return { info, body: new Blob([new Uint8Array(bytes.subarray(range[0], range[1] + 1))]).stream() };
    },
  };
  return { storage, reads, object: { info, head: bytes.subarray(0, headBytes), whole: whole ? bytes : null } };
}

async function charsetOf(bytes: Uint8Array, options: { whole?: boolean; contentType?: string } = {}) {
  const { storage, reads, object } = staged(bytes, options);
  const charset = await detectCharset(storage, object, options.contentType ?? 'text/plain');
  return { charset, reads: reads.length };
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const ascii = Buffer.from('plain words\n'.repeat(20_000));

describe('the charset of a text file', () => {
  it.each([
    ['UTF-8', Buffer.from(german), 'utf-8'],
    ['ASCII', Buffer.from('hello'), 'utf-8'],
    ['nothing at all', Buffer.alloc(0), 'utf-8'],
    ['UTF-8 behind a BOM', Buffer.from(`\ufeff${german}`), 'utf-8'],
    ['UTF-16LE behind a BOM', Buffer.from(`\ufeff${german}`, 'utf16le'), 'utf-16le'],
    ['UTF-16BE behind a BOM', Buffer.from(`\ufeff${german}`, 'utf16le').swap16(), 'utf-16be'],
    ['windows-1252', latin1('Grüße aus Köln'), undefined],
    ['windows-1252 at its very end', Buffer.concat([Buffer.from('a caf'), Buffer.from([0xe9])]), undefined],
    ['UTF-8 that breaks off', Buffer.from(german).subarray(0, 3), undefined],
    ['Shift_JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea]), undefined],
    ['a surrogate in UTF-8', Buffer.from([0x61, 0xed, 0xa0, 0x80]), undefined],
    ['a UTF-8 BOM before windows-1252', Buffer.concat([Buffer.from('\ufeff'), latin1('é!')]), undefined],
  ])('is detected in a file that was read whole: %s', async (_, bytes, charset) => {
    expect(await charsetOf(bytes, { whole: true })).toEqual({ charset, reads: 0 });
  });

  it.each([
    ['characters in its head', Buffer.from(german.repeat(10_000)), 'utf-8', 0],
    ['ASCII all through', ascii, 'utf-8', 2],
    ['UTF-8 in its middle', Buffer.concat([ascii, Buffer.from(german.repeat(9)), ascii]), 'utf-8', 2],
    ['windows-1252 in its middle', Buffer.concat([ascii, latin1('é'.repeat(70_000)), ascii]), undefined, 2],
    ['windows-1252 at its end', Buffer.concat([ascii, latin1('Grüße aus Köln. ')]), undefined, 2],
    ['windows-1252 in its head', latin1(`é ${'a'.repeat(100_000)}`), undefined, 0],
  ])('is detected in a large file with %s', async (_, bytes, charset, reads) => {
    expect(await charsetOf(bytes)).toEqual({ charset, reads });
  });

  it('is the same wherever the bytes that were read end inside a character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), async (before, behind) => {
        const bytes = Buffer.from(`${'a'.repeat(before)}${'あ😀é'.repeat(9000)}${'a'.repeat(behind)}`);
        expect((await charsetOf(bytes)).charset).toBe('utf-8');
        const late = Buffer.concat([ascii, bytes]);
        expect((await charsetOf(late)).charset).toBe('utf-8');
      }),
      { numRuns: 20 },
    );
  });

  it('is detected only for text', async () => {
    for (const contentType of ['image/png', 'application/json', 'text/xml', 'image/svg+xml'])
      expect(await charsetOf(Buffer.from(german), { whole: true, contentType })).toEqual({
        charset: undefined,
        reads: 0,
      });
    expect(['text/plain', 'text/csv', 'text/markdown'].every(hasCharset)).toBe(true);
  });

  it('is written as a parameter of the content type', () => {
    expect(withCharset('text/plain', 'utf-8')).toBe('text/plain; charset=utf-8');
    expect(splitCharset('text/plain; charset=utf-8')).toEqual({ contentType: 'text/plain', charset: 'utf-8' });
    expect(splitCharset('Text/Plain;Charset=UTF-16LE;x=y')).toEqual({ contentType: 'text/plain', charset: 'utf-16le' });
    expect(splitCharset('text/plain; charset=utf-7')).toEqual({ contentType: 'text/plain', charset: undefined });
    expect(splitCharset('image/png')).toEqual({ contentType: 'image/png', charset: undefined });
  });
});
