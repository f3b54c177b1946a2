/**
 * A stream cut into parts while it comes. A chunk of its own: few uploads are streams. What has been read and has not
 * arrived stays in memory, which is why only so many parts may be on their way.
 */
import type { Tools } from '../tools.ts';
import type { Source, StreamChunk, StreamLike } from '../types.ts';
import type { Part, Parts } from './slices.ts';

/** At most this much of a stream is in memory, and at most so many parts; but two of any size. */
const heldBytes = 128 * 1024 * 1024;
const heldParts = 8;

export interface StreamParts extends Parts {
  /** Known once the stream has ended. */
  size(): number;
  /** Tells the other end that nobody reads any more. */
  cancel(): void;
}

export function createStreamParts(
  { failure, toSource }: Tools,
  stream: StreamLike,
  partSize: number,
  { minBytes, maxBytes }: { minBytes: number; maxBytes: number },
): StreamParts {
  const read = readerOf(stream);
  const toBytes = createChunkReader();
  /** Read, and not arrived. */
  const held = new Map<number, Source>();
  /** Of those, the ones to send again. */
  const again: number[] = [];
  let rest: Uint8Array | undefined;
  let size = 0;
  let count = 0;
  let ended = false;
  let turn: Promise<unknown> = Promise.resolve();

  /** Up to a whole part; shorter only at the end. */
  async function cut(): Promise<Uint8Array<ArrayBuffer>> {
    let bytes = new Uint8Array(Math.min(partSize, 1024 * 1024));
    let filled = 0;
    while (filled < partSize && !ended) {
      let piece = rest;
      rest = undefined;
      if (!piece) {
        const { done = false, value } = await read.next();
        piece = await toBytes(done ? '' : value, done);
        if (done && !piece.length) {
          ended = true;
          break;
        }
      }
      const taken = Math.min(piece.length, partSize - filled);
      if (filled + taken > bytes.length) {
        // Doubled, so that a short recording does not pay for a whole part.
        const larger = new Uint8Array(Math.min(partSize, Math.max(filled + taken, bytes.length * 2)));
        larger.set(bytes.subarray(0, filled));
        bytes = larger;
      }
      bytes.set(piece.subarray(0, taken), filled);
      filled += taken;
      if (taken < piece.length) rest = piece.subarray(taken);
      if (size + filled > maxBytes)
        throw failure('file_too_large', 'This file is too large.', { details: { size: size + filled, maxBytes } });
    }
    size += filled;
    return bytes.subarray(0, filled);
  }

  async function take(): Promise<Part | null> {
    const repeated = again.shift();
    if (repeated) return partOf(repeated);
    if (ended) return null;
    const bytes = await cut().catch((cause) => {
      throw cause.code === 'file_too_large'
        ? cause
        : failure('source_unreadable', 'The data could not be read to its end.', {
            cause,
            details: { hint: `The stream failed: ${cause}` },
          });
    });
    if (ended && size < minBytes)
      throw failure('file_too_small', size ? 'This file is too small.' : 'This file is empty.', {
        details: { size, minBytes },
      });
    // A part without bytes stands for an empty file only.
    if (!bytes.length && count) return null;
    // A Blob keeps its bytes outside this page's heap, and can be sent without another copy.
    held.set(++count, globalThis.XMLHttpRequest ? (toSource(new Blob([bytes])) as Source) : sourceOf(bytes));
    return partOf(count);
  }

  const partOf = (partNumber: number): Part => ({ partNumber, source: held.get(partNumber) as Source });

  return {
    most: Math.max(2, Math.min(heldParts, Math.floor(heldBytes / partSize))),
    next: () => {
      const part = turn.then(take);
      turn = part.catch(() => {});
      return part;
    },
    drop: (partNumber) => held.delete(partNumber),
    add: (partNumber) => {
      if (held.has(partNumber)) again.push(partNumber);
    },
    size: () => size,
    cancel: () => {
      held.clear();
      read.cancel();
    },
  };
}

function sourceOf(bytes: Uint8Array<ArrayBuffer>): Source {
  return { size: bytes.length, fileName: '', read: async (start, end) => bytes.subarray(start, end) };
}

/** Text as UTF-8; a character may be cut in two by the end of a chunk. @throws TypeError for what is not bytes or text */
function createChunkReader(): (chunk: StreamChunk | undefined, last: boolean) => Promise<Uint8Array> {
  let half = '';
  return async (chunk, last) => {
    if (typeof chunk === 'string') {
      const text = half + chunk;
      half = last ? '' : (/[\ud800-\udbff]$/.exec(text)?.[0] ?? '');
      return new TextEncoder().encode(text.slice(0, text.length - half.length));
    }
    if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (chunk && typeof chunk === 'object') {
      if ('arrayBuffer' in chunk) return new Uint8Array(await chunk.arrayBuffer());
      if ('byteLength' in chunk) return new Uint8Array(chunk);
    }
    throw new TypeError(`A stream gives bytes or text, not ${chunk === null ? 'null' : typeof chunk}.`);
  };
}

function readerOf(stream: StreamLike): {
  next(): Promise<{ done?: boolean | undefined; value?: StreamChunk | undefined }>;
  cancel(): void;
} {
  // Safari's streams cannot be iterated over.
  if ('getReader' in stream) {
    const reader = stream.getReader();
    return { next: () => reader.read(), cancel: () => void reader.cancel().catch(() => {}) };
  }
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    cancel: () => void Promise.resolve(iterator.return?.()).catch(() => {}),
  };
}
