/**
 * The record of an object, and the file format: the bytes, the record as JSON, and a fixed trailer. One rename makes
 * all of it visible. A file without a complete trailer is not an object.
 */
import type { ObjectChecksum } from './checksums.ts';

export interface ObjectPart {
  partNumber: number;
  /** Bytes. */
  size: number;
  /** Base64. */
  checksum?: string;
  /** Without quotes. */
  etag?: string;
}

/** A range of bytes of a file in the same folder. */
export interface Extent {
  file: string;
  /** Bytes. */
  start: number;
  /** Bytes. */
  size: number;
}

export interface ObjectRecord {
  /** Byte string. */
  key: string;
  /** Identifies this write of the key. */
  id: string;
  /** Bytes. */
  size: number;
  /** Without quotes. */
  etag: string;
  /** Milliseconds since the epoch, in whole seconds like Last-Modified. */
  modified: number;
  /** Content-Type and other system headers, with lower-case names. */
  headers: Record<string, string>;
  /** `x-amz-meta-*` without the prefix. Values are byte strings, as received. */
  metadata: Record<string, string>;
  tags: [key: string, value: string][];
  checksum?: ObjectChecksum;
  storageClass: string;
  /** Present only on an object from a multipart upload. */
  parts?: ObjectPart[];
  /** The id of the folder that has the bytes instead of this file: that of a multipart upload, or of a linked copy. */
  multipartId?: string;
  /**
   * Where the bytes are in that folder, in order. Without extents they are the files of `parts`. Copied parts have
   * extents too.
   */
  extents?: Extent[];
}

const magic = Buffer.from('waybill1');
const trailerBytes = 4 + magic.length;
/** The size of the first read, which contains nearly every record whole. */
export const tailBytes = 8192;

export function encodeRecord(record: ObjectRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record));
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32BE(json.length);
  magic.copy(trailer, 4);
  return Buffer.concat([json, trailer]);
}

/** Returns the length of the record with its trailer, or null when `tail` does not end with a trailer. */
export function recordBytes(tail: Buffer): number | null {
  if (tail.length < trailerBytes || !tail.subarray(tail.length - magic.length).equals(magic)) return null;
  return tail.readUInt32BE(tail.length - trailerBytes) + trailerBytes;
}

/** @param tail the end of the file, with the whole record @returns null when it is not a valid record */
export function decodeRecord(tail: Buffer, fileBytes: number): ObjectRecord | null {
  const length = recordBytes(tail);
  if (length === null || length > tail.length) return null;
  const record = parse(tail.subarray(tail.length - length, tail.length - trailerBytes));
  if (!record) return null;
  const dataBytes = record.multipartId === undefined && !record.extents ? record.size : 0;
  return dataBytes + length === fileBytes ? record : null;
}

function parse(json: Buffer): ObjectRecord | null {
  try {
    return JSON.parse(json.toString()) as ObjectRecord;
  } catch {
    return null;
  }
}
