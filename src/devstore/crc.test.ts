import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Algorithm, algorithms } from './checksums.ts';
import { crc32c, crc64nvme } from './crc.ts';
import { combineCrcs } from './crc-combine.ts';

const check = Buffer.from('123456789');

describe('the CRCs', () => {
  it('match the check values of the CRC catalogue', () => {
    expect(crc32c(check)).toBe(0xe3069283n);
    expect(crc64nvme(check)).toBe(0xae8b14860a799888n);
  });

  it('do not depend on how the bytes are split', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (data, cut) => {
        const [a, b] = [data.subarray(0, cut), data.subarray(cut)];
        expect(crc32c(b, crc32c(a))).toBe(crc32c(data));
        expect(crc64nvme(b, crc64nvme(a))).toEqual(crc64nvme(data));
      }),
    );
  });

  it.each([
    ['CRC32C', crc32c, 0x82f63b78n, 32n],
    ['CRC64NVME', crc64nvme, 0x9a6c9329ac4bc9b5n, 64n],
  ] as const)('agrees with a bitwise %s', (_, crcOf, polynomial, width) => {
    const ones = (1n << width) - 1n;
    const bitwise = (data: Uint8Array) => {
      let crc = ones;
      for (const byte of data) {
        crc ^= BigInt(byte);
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
      }
      return crc ^ ones;
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (data) => crcOf(data) === bitwise(data)));
  });

  it('accept more bytes than the memory of the kernel holds', () => {
    const data = Buffer.alloc(200_001, 'waybill');
    const cut = (at: number) => crc64nvme(data.subarray(at), crc64nvme(data.subarray(0, at)));
    expect(crc64nvme(data)).toBe(cut(70_003));
    expect(crc32c(data)).toBe(crc32c(data.subarray(131_072), crc32c(data.subarray(0, 131_072))));
  });

  it.each<Algorithm>(['CRC32', 'CRC32C', 'CRC64NVME'])('are combined from pieces: %s', (algorithm) => {
    const digest = (data: Uint8Array) => {
      const running = algorithms[algorithm].create();
      running.update(data);
      return running.digest();
    };
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (pieces) => {
        const combined = combineCrcs(
          algorithm,
          pieces.map((piece) => ({ checksum: digest(piece), size: piece.length })),
        );
        expect(combined).toBe(digest(Buffer.concat(pieces)));
      }),
    );
  });

  it('are encoded as S3 does: big-endian, base64', () => {
    const of = (algorithm: Algorithm) => {
      const running = algorithms[algorithm].create();
      running.update(check);
      return running.digest();
    };
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(check));
    expect(of('CRC32')).toBe(bytes.toString('base64'));
    expect(of('CRC32C')).toBe('4waSgw==');
    expect(of('CRC64NVME')).toBe('rosUhgp5mIg=');
    expect(of('SHA256')).toBe(createHash('sha256').update(check).digest('base64'));
  });
});
