/**
 * The two CRCs of S3 that Node does not have: CRC32C (Castagnoli) and CRC64NVME, both reflected, sliced by eight.
 * CRC32 is node:zlib's.
 */
const slices = 8;

/** Little-endian tables: `table[k][b]` is the effect of byte `b` with `k` zero bytes behind it. */
function tables32(polynomial: number): Uint32Array[] {
  const tables = Array.from({ length: slices }, () => new Uint32Array(256));
  const first = tables[0] as Uint32Array;
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[byte] = crc >>> 0;
  }
  for (let k = 1; k < slices; k += 1)
    for (let byte = 0; byte < 256; byte += 1) {
      const before = tables[k - 1]?.[byte] as number;
      (tables[k] as Uint32Array)[byte] = ((before >>> 8) ^ (first[before & 255] as number)) >>> 0;
    }
  return tables;
}

let castagnoli: Uint32Array[] | undefined;

/** Continues `crc` (0 to begin with) over `data`; the result is unsigned. */
export function crc32c(data: Uint8Array, crc = 0): number {
  castagnoli ??= tables32(0x82f63b78);
  const [t0, t1, t2, t3, t4, t5, t6, t7] = castagnoli as Table8;
  let c = ~crc;
  let at = 0;
  for (const end = data.length - 7; at < end; at += 8) {
    c ^= n(data[at]) | (n(data[at + 1]) << 8) | (n(data[at + 2]) << 16) | (n(data[at + 3]) << 24);
    c =
      n(t7[c & 255]) ^
      n(t6[(c >>> 8) & 255]) ^
      n(t5[(c >>> 16) & 255]) ^
      n(t4[c >>> 24]) ^
      n(t3[n(data[at + 4])]) ^
      n(t2[n(data[at + 5])]) ^
      n(t1[n(data[at + 6])]) ^
      n(t0[n(data[at + 7])]);
  }
  for (; at < data.length; at += 1) c = (c >>> 8) ^ n(t0[(c ^ n(data[at])) & 255]);
  return ~c >>> 0;
}

type Table8 = [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];

/** Tells the compiler what the loop bounds guarantee; costs nothing once inlined. */
function n(value: number | undefined): number {
  return value as number;
}

/** CRC64NVME as two unsigned halves: JavaScript's BigInt would be a hundred times slower. */
export interface Crc64 {
  high: number;
  low: number;
}

let nvme: { high: Uint32Array; low: Uint32Array } | undefined;

/** One array per half: entry `k * 256 + b`. */
function tables64(): { high: Uint32Array; low: Uint32Array } {
  const high = new Uint32Array(slices * 256);
  const low = new Uint32Array(slices * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let h = 0;
    let l = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      const carry = l & 1;
      l = ((l >>> 1) | (h << 31)) >>> 0;
      h >>>= 1;
      if (carry) {
        h = (h ^ 0x9a6c9329) >>> 0;
        l = (l ^ 0xac4bc9b5) >>> 0;
      }
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let at = 256; at < high.length; at += 1) {
    const h = n(high[at - 256]);
    const l = n(low[at - 256]);
    const index = l & 255;
    low[at] = (((l >>> 8) | (h << 24)) ^ n(low[index])) >>> 0;
    high[at] = ((h >>> 8) ^ n(high[index])) >>> 0;
  }
  return { high, low };
}

/** Continues `crc` ({0, 0} to begin with) over `data`. */
export function crc64nvme(data: Uint8Array, crc: Crc64 = { high: 0, low: 0 }): Crc64 {
  nvme ??= tables64();
  const { high, low } = nvme;
  let h = ~crc.high;
  let l = ~crc.low;
  let at = 0;
  for (const end = data.length - 7; at < end; at += 8) {
    l ^= n(data[at]) | (n(data[at + 1]) << 8) | (n(data[at + 2]) << 16) | (n(data[at + 3]) << 24);
    h ^= n(data[at + 4]) | (n(data[at + 5]) << 8) | (n(data[at + 6]) << 16) | (n(data[at + 7]) << 24);
    const i0 = 1792 + (l & 255);
    const i1 = 1536 + ((l >>> 8) & 255);
    const i2 = 1280 + ((l >>> 16) & 255);
    const i3 = 1024 + (l >>> 24);
    const i4 = 768 + (h & 255);
    const i5 = 512 + ((h >>> 8) & 255);
    const i6 = 256 + ((h >>> 16) & 255);
    const i7 = h >>> 24;
    l = n(low[i0]) ^ n(low[i1]) ^ n(low[i2]) ^ n(low[i3]) ^ n(low[i4]) ^ n(low[i5]) ^ n(low[i6]) ^ n(low[i7]);
    h = n(high[i0]) ^ n(high[i1]) ^ n(high[i2]) ^ n(high[i3]) ^ n(high[i4]) ^ n(high[i5]) ^ n(high[i6]) ^ n(high[i7]);
  }
  for (; at < data.length; at += 1) {
    const index = (l ^ n(data[at])) & 255;
    l = ((l >>> 8) | (h << 24)) ^ n(low[index]);
    h = (h >>> 8) ^ n(high[index]);
  }
  return { high: ~h >>> 0, low: ~l >>> 0 };
}
