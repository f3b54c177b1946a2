/**
 * What the store knows of an object besides its bytes, and the one file that holds both: the bytes first, the record as
 * JSON behind them, and a fixed trailer. One rename makes all of it visible; a file without a whole trailer is no object.
 */
import type { ObjectChecksum } from './checksums.ts';

export interface ObjectPart {
  partNumber: number;
  /** Bytes. */
  size: number;
  /** Base64, of the part. */
  checksum?: string;
  /** Without quotes, of the part. */
  etag?: string;
}

/** A piece of a file that lies in the same folder. */
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
  /** Of this very version of the key's object. */
  id: string;
  /** Bytes. */
  size: number;
  /** Without quotes. */
  etag: string;
  /** Milliseconds since the epoch, whole seconds: S3's Last-Modified has no fraction. */
  modified: number;
  /** Content-Type and its like, lower-case names. */
  headers: Record<string, string>;
  /** `x-amz-meta-*` without the prefix; values are byte strings, as they came over the wire. */
  metadata: Record<string, string>;
  tags: [key: string, value: string][];
  checksum?: ObjectChecksum;
  storageClass: string;
  /** Made by a multipart upload. */
  parts?: ObjectPart[];
  /** The folder that holds the bytes, instead of this file: of a multipart upload, or of a copy that was made by links. */
  multipartId?: string;
  /** Where in that folder they lie, in order; without it they are the files of `parts`. A part that was copied has some too. */
  extents?: Extent[];
}

const magic = Buffer.from('waybill1');
const trailerBytes = 4 + magic.length;
/** Covers nearly every record with the first read. */
export const tailBytes = 8192;

export function encodeRecord(record: ObjectRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record));
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32BE(json.length);
  magic.copy(trailer, 4);
  return Buffer.concat([json, trailer]);
}

/** How many bytes of the file's end hold the record and its trailer; null when `tail` does not end in a trailer. */
export function recordBytes(tail: Buffer): number | null {
  if (tail.length < trailerBytes || !tail.subarray(tail.length - magic.length).equals(magic)) return null;
  return tail.readUInt32BE(tail.length - trailerBytes) + trailerBytes;
}

/** `tail` must begin at or before the record. Null when it is none. */
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
