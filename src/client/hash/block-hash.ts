/**
 * The common part of SHA-256 (FIPS 180-4) and MD5 (RFC 1321): 64-byte blocks, padding, and a 64-bit length at the end.
 */

export interface StreamingHash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array<ArrayBuffer>;
}

export type Compress = (state: Int32Array, block: DataView, offset: number) => void;

export function createBlockHash(initial: readonly number[], compress: Compress, littleEndian: boolean): StreamingHash {
  const state = Int32Array.from(initial);
  const rest = new Uint8Array(64);
  const restView = new DataView(rest.buffer);
  let filled = 0;
  let total = 0;

  function update(bytes: Uint8Array): void {
    total += bytes.length;
    let at = 0;
    if (filled > 0) {
      at = Math.min(64 - filled, bytes.length);
      rest.set(bytes.subarray(0, at), filled);
      filled += at;
      if (filled < 64) return;
      compress(state, restView, 0);
      filled = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + 64 <= bytes.length; at += 64) compress(state, view, at);
    rest.set(bytes.subarray(at));
    filled = bytes.length - at;
  }

  function digest(): Uint8Array<ArrayBuffer> {
    const padding = new Uint8Array((filled < 56 ? 64 : 128) - filled);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    // The length is in bits, and a file has up to 2^53 bytes. The two words are not computed with 32-bit operators,
    // which would lose the upper bits.
    const high = Math.floor(total / 2 ** 29);
    const low = (total * 8) % 2 ** 32;
    view.setUint32(padding.length - 8, littleEndian ? low : high, littleEndian);
    view.setUint32(padding.length - 4, littleEndian ? high : low, littleEndian);
    update(padding);
    const out = new DataView(new ArrayBuffer(state.length * 4));
    state.forEach((word, index) => {
      out.setInt32(index * 4, word, littleEndian);
    });
    return new Uint8Array(out.buffer);
  }

  return { update, digest };
}
