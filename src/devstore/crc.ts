/** The two CRCs of S3 that Node does not provide: CRC32C (Castagnoli) and CRC64NVME, both reflected. */
import { type CrcKernel, createCrcKernel, slices } from './crc-kernel.ts';

/** Continues `crc` (initially 0n) over `data`. */
export type Crc = (data: Uint8Array, crc?: bigint) => bigint;

export const crc32c: Crc = createCrc(0x82f63b78n, 32);
export const crc64nvme: Crc = createCrc(0x9a6c9329ac4bc9b5n, 64);

function createCrc(polynomial: bigint, width: number): Crc {
  const ones = (1n << BigInt(width)) - 1n;
  let kernel: CrcKernel | undefined;
  return (data, crc = 0n) => {
    kernel ??= createCrcKernel(createTables(polynomial));
    return kernel.run(data, crc ^ ones) ^ ones;
  };
}

function createTables(polynomial: bigint): BigUint64Array {
  const table = new BigUint64Array(slices * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = table[at - 256] ?? 0n;
    table[at] = (before >> 8n) ^ (table[Number(before & 255n)] ?? 0n);
  }
  return table;
}
