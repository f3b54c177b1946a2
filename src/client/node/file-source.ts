import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { failure } from '../errors.ts';
import type { Source } from '../types.ts';

/** A source that Node's transport streams from disk; memory does not depend on its size. */
export interface FileSource extends Source {
  readonly uri: string;
  /** @throws WaybillError `source_changed` when the file is not the one that was opened any more */
  openStream(): Promise<Readable>;
  /** A range as a source of its own. Nothing is read yet. */
  slice(start: number, end: number): Source & { openStream(): Promise<Readable> };
}

export interface FileSourceOptions {
  /** @default the last segment of the path */
  fileName?: string;
  /** @default by the extension */
  contentType?: string;
}

/**
 * @throws WaybillError `source_unreadable` when there is no such file, or it is a directory
 * @example client.upload('backups', await fileSource('./dump.sql.gz'))
 */
export async function fileSource(path: string, options: FileSourceOptions = {}): Promise<FileSource> {
  const before = await stat(path).catch(unreadable);
  if (!before.isFile()) throw failure('source_unreadable', 'Not a file');

  /** @param end without it */
  async function openRange(start: number, end: number): Promise<Readable> {
    const now = await stat(path).catch(unreadable);
    if (now.size !== before.size || now.mtimeMs !== before.mtimeMs)
      throw failure('source_changed', 'The file has changed');
    // One byte more than expected would show a file that grows while it is read; `end` keeps it from being sent.
    return createReadStream(path, { highWaterMark: 256 * 1024, start, end: Math.max(start, end - 1) });
  }

  const openStream = () => openRange(0, before.size);

  async function read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const handle = await open(path);
    try {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await handle.close();
    }
  }

  return {
    size: before.size,
    fileName: options.fileName ?? basename(path),
    contentType: options.contentType,
    uri: path,
    fingerprint: [resolve(path), before.size, before.mtimeMs].join(' '),
    openStream,
    read,
    slice: (start, end) => ({
      size: end - start,
      fileName: '',
      read: (from, to) => read(start + from, start + to),
      openStream: () => openRange(start, end),
    }),
    async checksum(algorithm, signal) {
      if (!nativeHashes.has(algorithm)) return undefined;
      const hash = createHash(algorithm);
      const stream = await openStream();
      try {
        for await (const piece of stream) {
          signal.throwIfAborted();
          hash.update(piece as Uint8Array);
        }
      } catch (cause) {
        signal.throwIfAborted();
        unreadable(cause);
      }
      return hash.digest('base64');
    },
  };
}

const nativeHashes: ReadonlySet<string> = new Set(['sha256', 'sha1', 'md5']);

function unreadable(cause: unknown): never {
  throw failure('source_unreadable', 'The file is unreadable', { cause });
}
