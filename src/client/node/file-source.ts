import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { ChecksumAlgorithm } from '../../protocol/index.ts';
import { failure } from '../errors.ts';
import type { Source } from '../types.ts';
import { type FileFacts, readPieces, throwUnreadable } from './file-range.ts';
import { hashInThread } from './hash-thread.ts';

/** A source that Node's transport reads while it sends. The memory does not depend on its size. */
export interface FileSource extends Source {
  readonly uri: string;
  /**
   * A piece may be overwritten as soon as the second piece after it is read.
   * @throws WaybillError `source_changed` when the file has changed since `fileSource()`
   */
  openStream(): AsyncIterable<Uint8Array>;
  /** A range, as another source. Nothing is read yet. */
  slice(start: number, end: number): Source & Pick<FileSource, 'openStream'>;
}

export interface FileSourceOptions {
  /** The name that is declared to the server. @default the last part of the path @example 'report.pdf' */
  fileName?: string;
  /**
   * The MIME type that is declared to the server.
   * @default the server decides by the extension
   * @example 'application/pdf'
   */
  contentType?: string;
}

/**
 * A file on disk, which is read while it is sent.
 *
 * @param path a Buffer for a name that is not UTF-8
 * @throws WaybillError `source_unreadable` when the file does not exist, is a directory, or has content and the size 0,
 * as files in /proc have
 * @example client.upload('backups', await fileSource('./dump.sql.gz'))
 */
export async function fileSource(path: string | Buffer, options: FileSourceOptions = {}): Promise<FileSource> {
  const before = await stat(path).catch(throwUnreadable);
  if (!before.isFile()) throw failure('source_unreadable', 'This is not a file.');
  const { size, mtimeMs } = before;
  const file = { path, size, mtimeMs };
  if (size === 0 && (await hasBytes(path)))
    throw failure('source_unreadable', 'The size of this file is unknown.', {
      details: {
        hint: 'The file system reports 0 bytes, but the file has content, as files in /proc do. Send it as a stream.',
      },
    });
  const shown = path.toString();

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

  /** Sends and hashes a range without holding it in memory. */
  const range = (start: number, end: number): Required<Pick<FileSource, 'openStream' | 'checksum'>> => ({
    openStream: () => readPieces(file, start, end),
    checksum: (algorithm, signal) => checksumOf(file, start, end, algorithm, signal),
  });

  return {
    size,
    fileName: options.fileName ?? basename(shown),
    contentType: options.contentType,
    uri: shown,
    fingerprint: [resolve(shown), size, mtimeMs].join(' '),
    read,
    ...range(0, size),
    slice: (start, end) => ({
      size: end - start,
      fileName: '',
      read: (from, to) => read(start + from, start + to),
      ...range(start, end),
    }),
  };
}

async function hasBytes(path: string | Buffer): Promise<boolean> {
  const handle = await open(path).catch(throwUnreadable);
  try {
    return (await handle.read(new Uint8Array(1), 0, 1, 0).catch(throwUnreadable)).bytesRead > 0;
  } finally {
    await handle.close();
  }
}

const nativeHashes: ReadonlySet<string> = new Set(['sha256', 'sha1', 'md5']);

async function checksumOf(
  file: FileFacts,
  start: number,
  end: number,
  algorithm: ChecksumAlgorithm,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!nativeHashes.has(algorithm)) return undefined;
  const digest = await hashInThread(file, start, end, algorithm);
  signal.throwIfAborted();
  if (digest) return digest;
  const hash = createHash(algorithm);
  for await (const piece of readPieces(file, start, end)) {
    signal.throwIfAborted();
    hash.update(piece);
  }
  return hash.digest('base64');
}
