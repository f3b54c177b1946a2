/** File operations: write a draft and rename it, read a record, stream a range. */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsync, openSync, read, readSync, renameSync, writeSync, writevSync } from 'node:fs';
import { open, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { decodeRecord, encodeRecord, type ObjectRecord, recordBytes, tailBytes } from './record.ts';

/** The size of one write or read. */
export const blockBytes = 256 * 1024;

/** A temporary file. {@link Draft.publish} makes it visible atomically. */
export interface Draft {
  /** The caller must not change the bytes afterwards. */
  write(data: Uint8Array): void;
  /** Appends the record to the bytes and closes the file. Call it before {@link Draft.publish}. */
  finish(record?: ObjectRecord): Promise<void>;
  /** Renames the draft atomically. An existing file is replaced. */
  publish(path: string): Promise<void>;
  /** Removes an unpublished draft. Safe to call at any time. */
  discard(): Promise<void>;
}

export interface DraftOptions {
  /** Whether to flush to the disk before publishing. Without it a power cut can lose data, but kill -9 cannot. */
  sync: boolean;
}

/**
 * Synchronous except for the flush to the disk: copying a block into the page cache takes less time than the thread
 * pool needs, and half of the processor time.
 */
export function createDraft(directory: string, { sync }: DraftOptions): Draft {
  const path = join(directory, randomBytes(12).toString('hex'));
  let fd: number | undefined;
  let queue: Uint8Array[] = [];
  let queued = 0;
  let state: 'writing' | 'finished' | 'published' | 'discarded' = 'writing';

  const flush = () => {
    fd ??= openSync(path, 'wx');
    writeAllSync(fd, queue, queued);
    queue = [];
    queued = 0;
  };
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };

  return {
    write(data) {
      queue.push(data);
      queued += data.length;
      if (queued >= blockBytes) flush();
    },
    async finish(record) {
      if (record) this.write(encodeRecord(record));
      flush();
      if (sync && fd !== undefined) await fsyncFd(fd);
      close();
      state = 'finished';
    },
    async publish(target) {
      renameSync(path, target);
      state = 'published';
      if (sync) await syncDirectory(dirname(target));
    },
    async discard() {
      if (state === 'published' || state === 'discarded') return;
      const exists = state === 'finished' || fd !== undefined;
      state = 'discarded';
      close();
      if (exists) await unlink(path).catch(() => {});
    },
  };
}

const fsyncFd = promisify(fsync);

function writeAllSync(fd: number, pieces: Uint8Array[], bytes: number): void {
  if (bytes === 0) return;
  const written = pieces.length === 1 ? writeSync(fd, pieces[0] as Uint8Array) : writevSync(fd, pieces);
  if (written === bytes) return;
  const all = Buffer.concat(pieces);
  for (let at = written; at < bytes; ) at += writeSync(fd, all, at);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => null);
  // Not every system can sync a directory.
  await directory?.sync().catch(() => {});
  await directory?.close();
}

/** Writes a small JSON file atomically. */
export async function writeJson(directory: string, path: string, value: unknown, options: DraftOptions): Promise<void> {
  const draft = createDraft(directory, options);
  try {
    draft.write(Buffer.from(JSON.stringify(value)));
    await draft.finish();
    await draft.publish(path);
  } finally {
    await draft.discard();
  }
}

export interface OpenFile {
  record: ObjectRecord;
  /** Yields bytes of the object, without the record. */
  read(start: number, length: number): AsyncIterable<Buffer>;
  close(): void;
}

/**
 * Returns null when there is no such object. Synchronous, because an open, a stat and a read of a few kilobytes from
 * the page cache take less time than the thread pool needs.
 */
export function openRecord(path: string): OpenFile | null {
  const fd = openIfExistsSync(path);
  if (fd === null) return null;
  let closed = false;
  const close = () => {
    if (!closed) closeSync(fd);
    closed = true;
  };
  try {
    const found = readRecord(fd);
    if (!found) {
      close();
      return null;
    }
    const { record, whole } = found;
    if (whole) {
      close();
      return { record, read: (start, length) => yieldOnce(whole.subarray(start, start + length)), close };
    }
    return { record, read: (start, length) => readRange(fd, start, length), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** `whole` is the content of a file that is small enough to be read together with its record. */
function readRecord(fd: number): { record: ObjectRecord; whole: Buffer | undefined } | null {
  const { size } = fstatSync(fd);
  let tail = readAtSync(fd, Math.max(0, size - tailBytes), Math.min(size, tailBytes));
  const needed = recordBytes(tail);
  if (needed !== null && needed > tail.length && needed <= size) tail = readAtSync(fd, size - needed, needed);
  const record = decodeRecord(tail, size);
  return record && { record, whole: tail.length === size ? tail : undefined };
}

function readAtSync(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const bytes = readSync(fd, buffer, filled, length - filled, position + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return buffer.subarray(0, filled);
}

function openIfExistsSync(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function* yieldOnce(data: Buffer): AsyncGenerator<Buffer> {
  if (data.length > 0) yield data;
}

const readFd = promisify(read);

/** Yields `length` bytes from `start`, block by block. @throws when the file is shorter */
async function* readRange(fd: number, start: number, length: number): AsyncGenerator<Buffer> {
  let position = start;
  let left = length;
  while (left > 0) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(left, blockBytes));
    const { bytesRead } = await readFd(fd, buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new Error('A stored file is shorter than its record says.');
    yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
    position += bytesRead;
    left -= bytesRead;
  }
}

export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}
