import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Algorithm, algorithms } from './checksums.ts';
import { crc32c, crc64nvme } from './crc.ts';
import { combineCrcs } from './crc-combine.ts';

const check = Buffer.from('123456789');

describe('CRCs', () => {
  it('gives the check values of the CRC catalogue', () => {
    expect(crc32c(check)).toBe(0xe3069283);
    const { high, low } = crc64nvme(check);
    expect([high, low]).toEqual([0xae8b1486, 0x0a799888]);
  });

  it('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (data, cut) => {
        const [a, b] = [data.subarray(0, cut), data.subarray(cut)];
        expect(crc32c(b, crc32c(a))).toBe(crc32c(data));
        expect(crc64nvme(b, crc64nvme(a))).toEqual(crc64nvme(data));
      }),
    );
  });

  it('agrees with a bitwise implementation', () => {
    const bitwise = (data: Uint8Array) => {
      let crc = 0xffffffff;
      for (const byte of data) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
      }
      return ~crc >>> 0;
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (data) => crc32c(data) === bitwise(data)));
  });

  it.each<Algorithm>(['CRC32', 'CRC32C', 'CRC64NVME'])('combines %s of pieces into that of the whole', (algorithm) => {
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

  it('writes checksums as S3 does: big-endian, base64', () => {
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
