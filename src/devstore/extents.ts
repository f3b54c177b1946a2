/**
 * Copies bytes by reference. Stored files never change, so a copy can be a hard link, which needs no time and no
 * space. The file system keeps a file as long as a link to it exists.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenFile, openRecord } from './files.ts';
import type { Extent, ObjectRecord } from './record.ts';
import { partFileName } from './upload-info.ts';

/** Smaller objects are copied: one file costs less than a folder with a link. */
export const minLinkBytes = 256 * 1024;

/** A range of bytes in a file. */
export interface FileRange {
  path: string;
  start: number;
  size: number;
  /** The id of the object in that file. Undefined when the file is never replaced. */
  id?: string;
}

type PartsAndExtents = Pick<ObjectRecord, 'parts' | 'extents'>;

function getExtents({ parts = [], extents }: PartsAndExtents): Extent[] {
  return extents ?? parts.map(({ partNumber, size }) => ({ file: partFileName(partNumber), start: 0, size }));
}

function openPiece(folder: string, file: string): OpenFile {
  const opened = openRecord(join(folder, file));
  if (opened) return opened;
  throw new Error('A part of a stored object is missing.');
}

/** Returns the files that contain the bytes of an object. A part that refers to other files is resolved. */
export function locateBytes(folder: string, record: PartsAndExtents): FileRange[] {
  return getExtents(record).flatMap(({ file, start, size }) => {
    const { record: part, close } = openPiece(folder, file);
    close();
    if (!part.extents) return [{ path: join(folder, file), start, size }];
    return slice(part.extents, start, size).map((extent) => ({ ...extent, path: join(folder, extent.file) }));
  });
}

/** Cuts `pieces` to those bytes that are within `length` bytes from `start`. */
export function slice<T extends { start: number; size: number }>(
  pieces: readonly T[],
  start: number,
  length: number,
): T[] {
  const found: T[] = [];
  let [skip, left] = [start, length];
  for (const piece of pieces) {
    if (left === 0) break;
    if (skip >= piece.size) {
      skip -= piece.size;
      continue;
    }
    const size = Math.min(left, piece.size - skip);
    found.push({ ...piece, start: piece.start + skip, size });
    left -= size;
    skip = 0;
  }
  return found;
}

export async function* readExtents(
  folder: string,
  record: PartsAndExtents,
  start: number,
  length: number,
): AsyncGenerator<Buffer> {
  for (const extent of slice(getExtents(record), start, length)) {
    const piece = openPiece(folder, extent.file);
    try {
      if (piece.record.extents) yield* readExtents(folder, piece.record, extent.start, extent.size);
      else yield* piece.read(extent.start, extent.size);
    } finally {
      piece.close();
    }
  }
}

/**
 * Links the files of `pieces` into `folder` and returns their extents there. Returns null where the file system cannot
 * link, or where a file was replaced in the meantime: the bytes must then be copied.
 */
export function linkFiles(folder: string, pieces: readonly FileRange[]): Extent[] | null {
  const linked = new Map<string, string>();
  try {
    return pieces.map(({ path, start, size, id }) => {
      let file = linked.get(path);
      if (file === undefined) {
        file = `bytes-${randomBytes(12).toString('hex')}`;
        linkSync(path, join(folder, file));
        linked.set(path, file);
        if (id !== undefined) checkFileId(folder, file, id);
      }
      return { file, start, size };
    });
  } catch {
    for (const file of linked.values()) unlinkQuietly(join(folder, file));
    return null;
  }
}

function checkFileId(folder: string, file: string, id: string): void {
  const { record, close } = openPiece(folder, file);
  close();
  if (record.id !== id) throw new Error('The file was replaced.');
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The whole folder is removed later.
  }
}
