/**
 * Cuts a stream into parts while it is read. It is a chunk of its own, because few uploads are streams. Bytes that were
 * read and have not arrived stay in memory, so only a few parts may be under way.
 */
import type { Tools } from '../tools.ts';
import type { Source, StreamChunk, StreamLike } from '../types.ts';
import type { Part, PartQueue } from './file-parts.ts';

/** Limits the bytes in memory. Two parts of any size are always allowed. */
const maxHeldBytes = 128 * 1024 * 1024;
const maxHeldParts = 8;
/** The first buffer of a part. It is doubled when full, so that a short recording needs no memory for a whole part. */
const firstBufferBytes = 1024 * 1024;

export interface StreamParts extends PartQueue {
  /** Known once the stream has ended. */
  size(): number;
  /** Cancels the stream, so that its producer stops. */
  cancel(): void;
}

export function createStreamParts(
  { failure, toSource }: Tools,
  stream: StreamLike,
  partSize: number,
  { minBytes, maxBytes }: { minBytes: number; maxBytes: number },
): StreamParts {
  const reader = createPartReader(failure, stream, partSize, maxBytes);
  /** Parts that were read and have not arrived. */
  const held = new Map<number, Source>();
  /** Numbers of the held parts that have to be sent again. */
  const again: number[] = [];
  let count = 0;
  let lastRead: Promise<unknown> = Promise.resolve();

  async function takePart(): Promise<Part | null> {
    const repeated = again.shift();
    if (repeated) return partOf(repeated);
    if (reader.hasEnded()) return null;
    const bytes = await reader.readPart().catch((cause) => {
      throw cause.code === 'file_too_large'
        ? cause
        : failure('source_unreadable', 'The data could not be read to its end.', {
            cause,
            details: { hint: `The stream failed: ${cause}` },
          });
    });
    const size = reader.size();
    if (reader.hasEnded() && size < minBytes)
      throw failure('file_too_small', size ? 'This file is too small.' : 'This file is empty.', {
        details: { size, minBytes },
      });
    // Only an empty file has a part without bytes.
    if (!bytes.length && count) return null;
    // A Blob keeps its bytes outside of the page's heap, and can be sent without another copy.
    held.set(++count, globalThis.XMLHttpRequest ? (toSource(new Blob([bytes])) as Source) : sourceOf(bytes));
    return partOf(count);
  }

  const partOf = (partNumber: number): Part => ({ partNumber, source: held.get(partNumber) as Source });

  return {
    maxParts: Math.max(2, Math.min(maxHeldParts, Math.floor(maxHeldBytes / partSize))),
    next: () => {
      const part = lastRead.then(takePart);
      lastRead = part.catch(() => {});
      return part;
    },
    drop: (partNumber) => held.delete(partNumber),
    add: (partNumber) => {
      if (held.has(partNumber)) again.push(partNumber);
    },
    size: reader.size,
    cancel: () => {
      held.clear();
      reader.cancel();
    },
  };
}

interface PartReader {
  /** Reads a whole part. Only the last part may be shorter. */
  readPart(): Promise<Uint8Array<ArrayBuffer>>;
  hasEnded(): boolean;
  /** The number of bytes that were read. */
  size(): number;
  cancel(): void;
}

function createPartReader(
  failure: Tools['failure'],
  stream: StreamLike,
  partSize: number,
  maxBytes: number,
): PartReader {
  const { read, cancel } = openReader(stream);
  const toBytes = createChunkReader();
  /** Bytes that belong to the next part. */
  let rest: Uint8Array | undefined;
  let size = 0;
  let hasEnded = false;

  /** Reads the next bytes of the stream. Undefined at its end. */
  async function readPiece(): Promise<Uint8Array | undefined> {
    const piece = rest;
    rest = undefined;
    if (piece) return piece;
    const { done = false, value } = await read();
    const bytes = await toBytes(done ? '' : value, done);
    return done && !bytes.length ? undefined : bytes;
  }

  async function readPart(): Promise<Uint8Array<ArrayBuffer>> {
    let bytes = new Uint8Array(Math.min(partSize, firstBufferBytes));
    let filled = 0;
    while (filled < partSize && !hasEnded) {
      const piece = await readPiece();
      if (!piece) {
        hasEnded = true;
        break;
      }
      const taken = Math.min(piece.length, partSize - filled);
      if (filled + taken > bytes.length) {
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

  return { readPart, cancel, hasEnded: () => hasEnded, size: () => size };
}

function sourceOf(bytes: Uint8Array<ArrayBuffer>): Source {
  return { size: bytes.length, fileName: '', read: async (start, end) => bytes.subarray(start, end) };
}

/**
 * Turns chunks into bytes. Text is encoded as UTF-8, and a chunk of text may end inside a character.
 * @throws TypeError for a chunk that is neither bytes nor text
 */
function createChunkReader(): (chunk: StreamChunk | undefined, last: boolean) => Promise<Uint8Array> {
  let halfCharacter = '';
  return async (chunk, last) => {
    if (typeof chunk === 'string') {
      const text = halfCharacter + chunk;
      halfCharacter = last ? '' : (/[\ud800-\udbff]$/.exec(text)?.[0] ?? '');
      return new TextEncoder().encode(text.slice(0, text.length - halfCharacter.length));
    }
    if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (chunk && typeof chunk === 'object') {
      if ('arrayBuffer' in chunk) return new Uint8Array(await chunk.arrayBuffer());
      if ('byteLength' in chunk) return new Uint8Array(chunk);
    }
    throw new TypeError(`A stream gives bytes or text, not ${chunk === null ? 'null' : typeof chunk}.`);
  };
}

interface StreamReader {
  read(): Promise<{ done?: boolean | undefined; value?: StreamChunk | undefined }>;
  cancel(): void;
}

function openReader(stream: StreamLike): StreamReader {
  // Safari's streams are not iterable.
  if ('getReader' in stream) {
    const reader = stream.getReader();
    return { read: () => reader.read(), cancel: () => void reader.cancel().catch(() => {}) };
  }
  const iterator = stream[Symbol.asyncIterator]();
  return {
    read: () => iterator.next(),
    cancel: () => void Promise.resolve(iterator.return?.()).catch(() => {}),
  };
}
