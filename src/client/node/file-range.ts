/** Reads ranges of a file, and fails when the file has changed since it was chosen. */
import { type FileHandle, open } from 'node:fs/promises';
import { failure } from '../errors.ts';

/** The file as it was when it was chosen. */
export interface FileFacts {
  /** A Buffer where the name is not UTF-8. */
  path: string | Buffer;
  /** Bytes. */
  size: number;
  mtimeMs: number;
}

/** Large enough for few calls, and small enough to stay in the processor's cache until the bytes are sent or hashed. */
const pieceBytes = 256 * 1024;

/**
 * Reads into two buffers in turn: a piece is overwritten when the second piece after it is read. Allocating a new
 * buffer for each piece, as Node's streams do, costs more time than the reading.
 *
 * @throws WaybillError `source_changed`, `source_unreadable`
 */
export async function* readPieces(file: FileFacts, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  const handle = await openUnchanged(file);
  try {
    const make = () => Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - start));
    let [next, other] = [make(), end - start > pieceBytes ? make() : Buffer.alloc(0)];
    for (let at = start; at < end; [next, other] = [other, next]) {
      const { bytesRead } = await handle.read(next, 0, Math.min(next.length, end - at), at).catch(throwUnreadable);
      if (bytesRead === 0) throw failure('source_changed', 'The file has changed');
      at += bytesRead;
      yield next.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function openUnchanged({ path, size, mtimeMs }: FileFacts): Promise<FileHandle> {
  const handle = await open(path).catch(throwUnreadable);
  const now = await handle.stat();
  if (now.size === size && now.mtimeMs === mtimeMs) return handle;
  await handle.close();
  throw failure('source_changed', 'The file has changed');
}

export function throwUnreadable(cause: unknown): never {
  throw failure('source_unreadable', 'The file is unreadable', { cause });
}
