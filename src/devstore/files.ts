/** The few file operations everything else is built of: write beside, then rename; read a record; stream a range. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeRecord, encodeRecord, type ObjectRecord, recordBytes, tailBytes } from './record.ts';

/** Bytes that are written, or read, at once. */
export const blockBytes = 256 * 1024;

/** A file that is not there yet: it appears whole, by {@link Draft.publish}, or not at all. */
export interface Draft {
  readonly path: string;
  /** Resolves when the next piece may come; the bytes belong to the draft from here on. */
  write(data: Uint8Array): Promise<void>;
  /** Puts the record behind the bytes. */
  seal(record?: ObjectRecord): Promise<void>;
  /** Atomic; replaces what was there. */
  publish(path: string): Promise<void>;
  /** Safe to call at any time, also after publishing. */
  discard(): Promise<void>;
}

export interface DraftOptions {
  /** Flush to the disk before publishing. kill -9 loses nothing without it; a power cut may. */
  sync: boolean;
}

export async function createDraft(directory: string, options: DraftOptions): Promise<Draft> {
  const path = join(directory, randomBytes(12).toString('hex'));
  const file = await open(path, 'wx');
  return draftOn(path, file, options);
}

/** Continues a file that already holds `path`'s bytes. */
export async function reopenDraft(path: string, options: DraftOptions): Promise<Draft> {
  return draftOn(path, await open(path, 'a'), options);
}

function draftOn(path: string, file: FileHandle, { sync }: DraftOptions): Draft {
  let queue: Uint8Array[] = [];
  let queued = 0;
  let writing: Promise<unknown> = Promise.resolve();
  let closed = false;
  let published = false;

  // One write is under way while the next block is being received and hashed.
  const flush = async () => {
    await writing;
    if (queued === 0) return;
    const [pieces, bytes] = [queue, queued];
    queue = [];
    queued = 0;
    writing = writeAll(file, pieces, bytes);
    // Whoever awaits it next sees the failure; until then it is not unhandled.
    writing.catch(() => {});
  };
  const close = async () => {
    if (closed) return;
    closed = true;
    await file.close();
  };

  return {
    path,
    async write(data) {
      queue.push(data);
      queued += data.length;
      if (queued >= blockBytes) await flush();
    },
    async seal(record) {
      if (record) {
        const bytes = encodeRecord(record);
        queue.push(bytes);
        queued += bytes.length;
      }
      await flush();
      await writing;
      if (sync) await file.sync();
      await close();
    },
    async publish(target) {
      await rename(path, target);
      published = true;
      if (sync) await syncDirectory(join(target, '..'));
    },
    async discard() {
      if (published) return;
      await writing.catch(() => {});
      await close().catch(() => {});
      await unlink(path).catch(() => {});
    },
  };
}

async function writeAll(file: FileHandle, pieces: Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await file.writev(pieces);
  if (bytesWritten === bytes) return;
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let at = 0; at < rest.length; ) at += (await file.write(rest, at)).bytesWritten;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null);
  // Not every system lets a directory be synced.
  await directory?.sync().catch(() => {});
  await directory?.close();
}

/** A small file of JSON, replaced as a whole. */
export async function writeJson(directory: string, path: string, value: unknown, options: DraftOptions): Promise<void> {
  const draft = await createDraft(directory, options);
  try {
    await draft.write(Buffer.from(JSON.stringify(value)));
    await draft.seal();
    await draft.publish(path);
  } finally {
    await draft.discard();
  }
}

export interface OpenFile {
  file: FileHandle;
  record: ObjectRecord;
}

/** Null when there is no such object. Close the file. */
export async function openRecord(path: string): Promise<OpenFile | null> {
  const file = await openIfThere(path);
  if (!file) return null;
  try {
    const record = await readRecord(file);
    if (record) return { file, record };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

async function readRecord(file: FileHandle): Promise<ObjectRecord | null> {
  const { size } = await file.stat();
  let tail = await readAt(file, Math.max(0, size - tailBytes), Math.min(size, tailBytes));
  const needed = recordBytes(tail);
  if (needed !== null && needed > tail.length && needed <= size) tail = await readAt(file, size - needed, needed);
  return decodeRecord(tail, size);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

export async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** `length` bytes from `start`, block by block. @throws when the file is shorter */
export async function* readRange(file: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  let position = start;
  let left = length;
  while (left > 0) {
    const block = await readAt(file, position, Math.min(left, blockBytes));
    if (block.length === 0) throw new Error('A stored file is shorter than its record says.');
    yield block;
    position += block.length;
    left -= block.length;
  }
}

export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}
