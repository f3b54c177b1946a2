/** Parts of a file that can be read anywhere: any number of them costs nothing until it is read. */
import { partBytes } from '../../protocol/parts.ts';
import type { OpenSource } from '../source.ts';
import type { Tools } from '../tools.ts';
import type { Source } from '../types.ts';

export interface Part {
  partNumber: number;
  source: Source;
}

/** Whoever has the parts: a file, or a stream while it comes. */
export interface Parts {
  /** Null when there are no more. */
  next(signal: AbortSignal): Promise<Part | null>;
  /** It has arrived. */
  drop(partNumber: number): void;
  /** It has to be sent (again). */
  add(partNumber: number): void;
  /** How many may be on their way. */
  readonly most: number;
}

export function createSlices(
  { toSource }: Tools,
  source: OpenSource & { size: number },
  partSize: number,
  done: ReadonlyMap<number, unknown>,
  listed: ReadonlyMap<number, unknown>,
): Parts {
  const { size } = source;
  const count = Math.ceil(size / partSize);
  const todo: number[] = [];
  for (let n = 1; n <= count; n++) if (!done.has(n)) todo.push(n);
  return {
    most: Number.POSITIVE_INFINITY,
    async next() {
      // What is said to have arrived is compared before anything else is sent.
      const at = listed.size ? todo.findIndex((n) => listed.has(n)) : 0;
      const [partNumber] = todo.splice(Math.max(0, at), 1);
      if (!partNumber) return null;
      const start = (partNumber - 1) * partSize;
      return { partNumber, source: slice(start, start + partBytes(size, partSize, partNumber)) };
    },
    drop() {},
    add: (partNumber) => todo.push(partNumber),
  };

  function slice(start: number, end: number): Source {
    return (
      source.slice?.(start, end) ??
      (source.blob
        ? (toSource(source.blob.slice(start, end)) as Source)
        : {
            size: end - start,
            fileName: source.fileName,
            read: (from, to) => source.read(start + from, start + to),
          })
    );
  }
}
