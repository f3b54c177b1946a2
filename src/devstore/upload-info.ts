/** What is stored about a multipart upload, and the names of the files of its parts. */
import type { Algorithm, ChecksumType } from './checksums.ts';
import type { ObjectRecord } from './record.ts';

export interface UploadInfo {
  multipartId: string;
  /** Byte string. */
  key: string;
  ownerId: string;
  /** Milliseconds since the epoch. */
  initiated: number;
  headers: ObjectRecord['headers'];
  metadata: ObjectRecord['metadata'];
  tags: ObjectRecord['tags'];
  storageClass: string;
  /** Undefined when Create did not name one. */
  algorithm?: Algorithm;
  type?: ChecksumType;
}

/** Whose bytes a folder holds. */
export interface FolderOwner {
  multipartId: string;
  /** Byte string. */
  key: string;
  /** Of a completed upload, so that the same Complete succeeds again: `number:etag` of each part, joined by commas. */
  partList?: string;
}

export function partFileName(partNumber: number): string {
  return `part-${String(partNumber).padStart(5, '0')}`;
}
