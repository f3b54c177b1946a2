/** The parts of a file of which any range can be read. A part takes no memory until it is read. */
import { partBytes } from '../../protocol/parts.ts';
import type { OpenSource } from '../source.ts';
import type { Tools } from '../tools.ts';
import type { Source } from '../types.ts';

export interface Part {
  partNumber: number;
  source: Source;
}

/** The parts that are still to be sent, of a file or of a stream. */
export interface PartQueue {
  /** Null when there are no more. */
  next(signal: AbortSignal): Promise<Part | null>;
  /** Called when the part has arrived. */
  drop(partNumber: number): void;
  /** Called when the part has to be sent again. */
  add(partNumber: number): void;
  /** How many parts may be under way at once. */
  readonly maxParts: number;
}

/**
 * @param arrived parts that are not sent
 * @param listed parts that come first, because they are compared with what the storage has
 */
export function createFileParts(
  { toSource }: Tools,
  source: OpenSource & { size: number },
  partSize: number,
  arrived: ReadonlyMap<number, unknown>,
  listed: ReadonlyMap<number, unknown>,
): PartQueue {
  const { size } = source;
  const count = Math.ceil(size / partSize);
  const waiting: number[] = [];
  for (let n = 1; n <= count; n++) if (!arrived.has(n)) waiting.push(n);

  function slice(start: number, end: number): Source {
    if (source.slice) return source.slice(start, end);
    if (source.blob) return toSource(source.blob.slice(start, end)) as Source;
    return {
      size: end - start,
      fileName: source.fileName,
      read: (from, to) => source.read(start + from, start + to),
    };
  }

  return {
    maxParts: Number.POSITIVE_INFINITY,
    async next() {
      const at = listed.size ? waiting.findIndex((n) => listed.has(n)) : 0;
      const [partNumber] = waiting.splice(Math.max(0, at), 1);
      if (!partNumber) return null;
      const start = (partNumber - 1) * partSize;
      return { partNumber, source: slice(start, start + partBytes(size, partSize, partNumber)) };
    },
    drop() {},
    add: (partNumber) => waiting.push(partNumber),
  };
}
