import { describe, expect, it } from 'vitest';
import { ascii, heads, hex, table, zip } from '../../../test/support/content-heads.ts';
import { loadDetector, contentMismatch as mismatchOf } from './content-check.ts';

const contentMismatch = async (declared: string, head: Uint8Array, named: boolean) =>
  mismatchOf(declared, head, named, await loadDetector());

describe('contentMismatch()', () => {
  it.each(table)('of the type %s and the first bytes of %s accepts the file: %s', async (declared, head, agree) => {
    const mismatch = await contentMismatch(declared, heads[head], false);
    expect(mismatch === null, mismatch ?? 'no mismatch').toBe(agree);
  });

  it('accepts a media type without known first bytes only when the route names it', async () => {
    expect(await contentMismatch('audio/x-unheard-of', heads.zeros, false)).not.toBeNull();
    expect(await contentMismatch('audio/x-unheard-of', heads.zeros, true)).toBeNull();
    expect(await contentMismatch('audio/x-unheard-of', heads.exe, true)).not.toBeNull();
  });

  it('recognises a format although the file continues after the first bytes', async () => {
    // A colour profile longer than what is read stands before the pixels.
    const iccp = Buffer.concat([heads.png.subarray(0, 33), hex('00010000'), ascii('iCCP'), Buffer.alloc(4059, 7)]);
    expect(await contentMismatch('image/png', iccp, false)).toBeNull();
    const cover = Buffer.concat([ascii('ID3'), hex('0400 00 00 3f 7f 7f'), Buffer.alloc(4090, 1)]);
    expect(await contentMismatch('audio/mpeg', cover, false)).toBeNull();
    const large = Buffer.concat([zip('word/media/image.png').subarray(0, 50), Buffer.alloc(4050, 9)]);
    large.writeUInt32LE(9_000_000, 18);
    const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
    expect(await contentMismatch(docx, large, false)).toBeNull();
  });
});
