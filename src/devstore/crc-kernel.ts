/**
 * One WebAssembly function that continues a reflected CRC of up to 64 bits, sixteen bytes per step. The same loop in
 * JavaScript has no 64-bit integers and takes six times as long, and S3 computes a CRC64NVME of every upload without a
 * checksum. The function is assembled here, so that it can be read and needs no build step.
 */

/** Number of tables. Entry `k * 256 + b` is the effect of byte `b` followed by `k` zero bytes. */
export const slices = 16;
const tableBytes = slices * 256 * 8;
/** The maximum of bytes in one call of the function. */
const windowBytes = 64 * 1024;
const pages = Math.ceil((tableBytes + windowBytes) / 65_536);

export interface CrcKernel {
  /** Returns the state of the CRC after `data`, not complemented. */
  run(data: Uint8Array, state: bigint): bigint;
}

export function createCrcKernel(table: BigUint64Array): CrcKernel {
  const { exports } = new WebAssembly.Instance(compiled());
  const { buffer } = exports.memory as WebAssembly.Memory;
  const step = exports.run as (from: number, to: number, state: bigint) => bigint;
  new BigUint64Array(buffer, 0, table.length).set(table);
  const window = new Uint8Array(buffer, tableBytes, windowBytes);
  return {
    run(data, state) {
      let crc = state;
      for (let at = 0; at < data.length; at += windowBytes) {
        const piece = data.subarray(at, at + windowBytes);
        window.set(piece);
        crc = step(tableBytes, tableBytes + piece.length, crc);
      }
      return BigInt.asUintN(64, crc);
    },
  };
}

let wasm: WebAssembly.Module | undefined;

function compiled(): WebAssembly.Module {
  wasm ??= new WebAssembly.Module(assemble());
  return wasm;
}

/** https://webassembly.github.io/spec/core/binary/index.html */
const i32 = 0x7f;
const i64 = 0x7e;
const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  br: (depth: number) => [0x0c, depth],
  brIf: (depth: number) => [0x0d, depth],
  get: (local: number) => [0x20, local],
  set: (local: number) => [0x21, local],
  i32Const: (value: number) => [0x41, ...encodeSigned(value)],
  i64Const: (value: number) => [0x42, ...encodeSigned(value)],
  i32Add: [0x6a],
  i32Sub: [0x6b],
  i32And: [0x71],
  i32LessSigned: [0x48],
  i32GreaterOrEqualUnsigned: [0x4f],
  i64Load: (offset: number) => [0x29, 3, ...encodeUnsigned(offset)],
  i64Load8Unsigned: [0x31, 0, 0],
  i64Xor: [0x85],
  i64ShiftLeft: [0x86],
  i64ShiftRightUnsigned: [0x88],
  i32Wrap: [0xa7],
} as const;

/** Indexes of the parameters and the local variables. */
const [from, to, crc, low, high] = [0, 1, 2, 3, 4] as const;

function assemble(): Uint8Array<ArrayBuffer> {
  /**
   * Loads the entry of byte `index` of `word` in table `slice`. The shift leaves the byte multiplied by eight, an
   * address.
   */
  const lookUp = (word: number, index: number, slice: number) => [
    ...op.get(word),
    ...(index === 0
      ? [...op.i64Const(3), ...op.i64ShiftLeft]
      : [...op.i64Const(8 * index - 3), ...op.i64ShiftRightUnsigned]),
    ...op.i32Wrap,
    ...op.i32Const(0x7f8),
    ...op.i32And,
    ...op.i64Load(slice * 2048),
  ];
  const lookUps = Array.from({ length: slices }, (_, at) => [
    ...lookUp(at < 8 ? low : high, at % 8, slices - 1 - at),
    ...(at === 0 ? [] : op.i64Xor),
  ]).flat();
  const advance = (bytes: number) => [...op.get(from), ...op.i32Const(bytes), ...op.i32Add, ...op.set(from)];
  const sixteenByteLoop = [
    ...op.block,
    ...op.loop,
    ...[...op.get(to), ...op.get(from), ...op.i32Sub, ...op.i32Const(16), ...op.i32LessSigned, ...op.brIf(1)],
    ...[...op.get(crc), ...op.get(from), ...op.i64Load(0), ...op.i64Xor, ...op.set(low)],
    ...[...op.get(from), ...op.i64Load(8), ...op.set(high)],
    ...[...lookUps, ...op.set(crc)],
    ...[...advance(16), ...op.br(0)],
    ...[...op.end, ...op.end],
  ];
  const singleByteLoop = [
    ...op.block,
    ...op.loop,
    ...[...op.get(from), ...op.get(to), ...op.i32GreaterOrEqualUnsigned, ...op.brIf(1)],
    ...[...op.get(crc), ...op.get(from), ...op.i64Load8Unsigned, ...op.i64Xor, ...op.set(low)],
    ...lookUp(low, 0, 0),
    ...[...op.get(crc), ...op.i64Const(8), ...op.i64ShiftRightUnsigned, ...op.i64Xor, ...op.set(crc)],
    ...[...advance(1), ...op.br(0)],
    ...[...op.end, ...op.end],
  ];
  const body = encodeVector([1, 2, i64, ...sixteenByteLoop, ...singleByteLoop, ...op.get(crc), ...op.end]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 3, i32, i32, i64, 1, i64]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, pages]),
    ...section(7, [2, ...encodeName('memory'), 2, 0, ...encodeName('run'), 0, 0]),
    ...section(10, [1, ...body]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...encodeVector(content)];
}

function encodeVector(content: readonly number[]): number[] {
  return [...encodeUnsigned(content.length), ...content];
}

function encodeName(text: string): number[] {
  return encodeVector([...Buffer.from(text)]);
}

/** LEB128, the integer encoding of the binary format. */
function encodeUnsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...encodeUnsigned(value >>> 7)];
}

function encodeSigned(value: number): number[] {
  return value < 64 && value >= -64 ? [value & 127] : [(value & 127) | 128, ...encodeSigned(value >> 7)];
}
