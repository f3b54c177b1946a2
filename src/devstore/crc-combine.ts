/**
 * Combines the CRCs of consecutive pieces, so that the FULL_OBJECT checksum of a multipart upload is known without
 * reading its bytes again. It multiplies by x^(8n) modulo the polynomial, in the reflected representation.
 */
import type { Algorithm } from './checksums.ts';

interface Field {
  width: number;
  polynomial: bigint;
}

const fields: Partial<Record<Algorithm, Field>> = {
  CRC32: { width: 32, polynomial: 0xedb88320n },
  CRC32C: { width: 32, polynomial: 0x82f63b78n },
  CRC64NVME: { width: 64, polynomial: 0x9a6c9329ac4bc9b5n },
};

/** @param pieces base64 CRCs and sizes in bytes @returns undefined when the algorithm is not a CRC */
export function combineCrcs(
  algorithm: Algorithm,
  pieces: Iterable<{ checksum: string; size: number }>,
): string | undefined {
  const field = fields[algorithm];
  if (!field) return undefined;
  const shifts = new Map<number, bigint>();
  let crc = 0n;
  for (const { checksum, size } of pieces) {
    let shift = shifts.get(size);
    if (shift === undefined) {
      shift = powerOfX(8n * BigInt(size), field);
      shifts.set(size, shift);
    }
    crc = multiply(shift, crc, field) ^ fromBase64(checksum);
  }
  const hex = crc.toString(16).padStart(field.width / 4, '0');
  return Buffer.from(hex, 'hex').toString('base64');
}

function fromBase64(text: string): bigint {
  return BigInt(`0x${Buffer.from(text, 'base64').toString('hex')}`);
}

function multiply(a: bigint, b: bigint, { width, polynomial }: Field): bigint {
  let product = 0n;
  let factor = b;
  for (let bit = 1n << BigInt(width - 1); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= factor;
    factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
  }
  return product;
}

function powerOfX(exponent: bigint, field: Field): bigint {
  let result = 1n << BigInt(field.width - 1);
  let square = 1n << BigInt(field.width - 2);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(square, result, field);
    square = multiply(square, square, field);
  }
  return result;
}
