import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBlockHash } from './block-hash.ts';
import { digest } from './index.ts';
import { createMd5 } from './md5.ts';
import { createSha256 } from './sha256.ts';

const pairs = [
  ['sha256', createSha256],
  ['md5', createMd5],
] as const;

describe.each(pairs)('the streaming %s', (algorithm, create) => {
  it('agrees with node:crypto on every length around the block borders', () => {
    for (let length = 0; length <= 260; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255);
      const hash = create();
      hash.update(bytes);
      expect(Buffer.from(hash.digest()).toString('hex')).toBe(createHash(algorithm).update(bytes).digest('hex'));
    }
  });

  it('gives the same digest for any division of the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
        const hash = create();
        const expected = createHash(algorithm);
        for (const piece of pieces) {
          hash.update(piece);
          expected.update(piece);
        }
        expect(Buffer.from(hash.digest()).toString('hex')).toBe(expected.digest('hex'));
      }),
    );
  });

  it('reads a source in pieces of at most 1 MiB', async () => {
    const bytes = new Uint8Array(3 * 1024 * 1024 + 17).map((_, i) => i);
    let largest = 0;
    const read = async (start: number, end: number) => {
      largest = Math.max(largest, end - start);
      return bytes.subarray(start, end);
    };
    const found = await digest(algorithm, bytes.length, read, new AbortController().signal);
    expect(Buffer.from(found ?? []).toString('hex')).toBe(createHash(algorithm).update(bytes).digest('hex'));
    expect(largest).toBe(1024 * 1024);
  });
});

it('createBlockHash() writes the length of files over 512 MiB in both words', () => {
  // 2^29 + 1 bytes are 2^32 + 8 bits: the low word alone would say 8.
  for (const [littleEndian, expected] of [
    [false, [1, 8]],
    [true, [8, 1]],
  ] as const) {
    let tail: number[] = [];
    const spy = (_: Int32Array, block: DataView, offset: number) => {
      tail = [block.getUint32(offset + 56, littleEndian), block.getUint32(offset + 60, littleEndian)];
    };
    const hash = createBlockHash([0], spy, littleEndian);
    const piece = new Uint8Array(8 * 1024 * 1024);
    for (let i = 0; i < 64; i++) hash.update(piece);
    hash.update(new Uint8Array(1));
    hash.digest();
    expect(tail).toEqual(expected);
  }
});

const one = async () => new Uint8Array(1);

it('digest() gives undefined for other algorithms', async () => {
  expect(await digest('crc64nvme', 1, one, new AbortController().signal)).toBeUndefined();
});

it('digest() stops between pieces after an abort', async () => {
  const controller = new AbortController();
  controller.abort();
  await expect(digest('md5', 1, one, controller.signal)).rejects.toThrow();
});
