/** The operations on multipart uploads, and what they take and return. */
import type { ChecksumAlgorithm } from '../protocol/index.ts';
import type { StoredChecksums } from './object-types.ts';

export interface CreateMultipartOptions {
  key: string;
  contentType: string;
  metadata?: Readonly<Record<string, string>>;
  contentDisposition?: string;
  cacheControl?: string;
  /** The algorithm of the checksum that each part will carry. It is sent only to storages that support it. */
  checksumAlgorithm?: ChecksumAlgorithm | undefined;
}

export interface PartInfo {
  partNumber: number;
  /** Bytes. */
  size: number;
  /** Opaque, quotes included. */
  etag: string;
  checksums: StoredChecksums;
  /** ISO 8601, where the storage lists it. */
  lastModified?: string;
}

export interface CompleteMultipartOptions {
  key: string;
  multipartId: string;
  /** In ascending order. */
  parts: readonly PartInfo[];
  /** The sum of the sizes of all parts. With `x-amz-mp-object-size` the storage refuses parts with another sum. */
  size: number;
  /** `If-None-Match: *`, sent where the storage honours it. @default true */
  once?: boolean;
}

export interface CopyPartOptions {
  from: string;
  sourceEtag?: string;
  to: string;
  multipartId: string;
  partNumber: number;
  /** First and last byte, both inclusive. */
  range: readonly [number, number];
}

export interface MultipartListing {
  uploads: { key: string; multipartId: string; initiated: string }[];
  /** Pass it to the next call. Absent on the last page. */
  next?: { keyMarker: string; multipartIdMarker: string };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
export interface MultipartOperations {
  createMultipart(options: CreateMultipartOptions): Promise<{ multipartId: string }>;
  /** Reads all pages. Returns null when there is no such multipart upload, or when it was completed or aborted. */
  listParts(key: string, multipartId: string): Promise<PartInfo[] | null>;
  /**
   * Returns composed checksums as base64 of the digest of the parts' digests, without the `-N` that S3 appends.
   *
   * @throws {S3Error} also where a response with status 200 carries an `<Error>`. `ConditionalRequestConflict` is not
   * retried here, because S3 then needs all parts again.
   */
  completeMultipart(options: CompleteMultipartOptions): Promise<{ etag: string; checksums: StoredChecksums }>;
  /** Frees the parts. Does nothing when the multipart upload no longer exists. */
  abortMultipart(key: string, multipartId: string): Promise<void>;
  listMultiparts(options: { prefix: string; next?: MultipartListing['next'] }): Promise<MultipartListing>;
  /** UploadPartCopy, for objects that one CopyObject cannot copy (over 5 GB). */
  copyPart(options: CopyPartOptions): Promise<PartInfo>;
}
