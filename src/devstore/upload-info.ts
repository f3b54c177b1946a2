/** The stored description of a multipart upload, and the names of its files. */
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
  /** Undefined when CreateMultipartUpload named no algorithm. */
  algorithm?: Algorithm;
  type?: ChecksumType;
}

/** The object whose bytes a folder contains. */
export interface FolderOwner {
  multipartId: string;
  /** Byte string. */
  key: string;
  /** `number:etag` of each part, joined by commas, so that the same completion can succeed again. */
  partList?: string;
}

export function partFileName(partNumber: number): string {
  return `part-${String(partNumber).padStart(5, '0')}`;
}
