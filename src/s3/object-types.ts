/** The operations on single objects, and what they take and return. */
import type { S3ChecksumAlgorithm } from './options.ts';

/** Base64 by algorithm, of those that the storage returned. */
export type StoredChecksums = Partial<Record<S3ChecksumAlgorithm, string>>;

/** What HEAD and GET return about an object. */
export interface ObjectInfo {
  key: string;
  /** Bytes. */
  size: number;
  contentType: string;
  /** Opaque, quotes included as sent. */
  etag: string;
  /** An HTTP date, as sent. */
  lastModified: string;
  /** Requested with `x-amz-checksum-mode: ENABLED`. */
  checksums: StoredChecksums;
  /** `x-amz-meta-*`: names in lower case, without the prefix. */
  metadata: Record<string, string>;
  contentEncoding?: string;
  contentDisposition?: string;
  cacheControl?: string;
  versionId?: string;
  /** Identifies this one write of the object, see {@link StorageCapabilities.writeIds}. */
  writeId?: string;
  /** `x-amz-server-side-encryption`, or `SSE-C`. With keys of KMS or of the client an ETag is not an MD5. */
  encryption?: string;
}

export interface PutOptions {
  key: string;
  body: Uint8Array | string;
  contentType?: string;
  metadata?: Readonly<Record<string, string>>;
  cacheControl?: string;
  contentDisposition?: string;
  /** `If-None-Match: *` */
  ifNoneMatch?: '*';
  ifMatch?: string;
}

export interface CopyOptions {
  from: string;
  to: string;
  /** `x-amz-copy-source-if-match` */
  sourceEtag?: string;
  /** `If-None-Match: *` on the destination, sent where the storage honours it. */
  once?: boolean;
  /** This and the following options replace those of the source (`x-amz-metadata-directive: REPLACE`). */
  contentType: string;
  metadata?: Readonly<Record<string, string>>;
  contentDisposition?: string;
  cacheControl?: string;
}

export interface ListPage {
  objects: { key: string; size: number; etag: string; lastModified: string }[];
  /** Pass it to the next call. Absent on the last page. */
  continuationToken?: string;
}

export interface ObjectOperations {
  /** Returns null for a missing object, also when S3 answers 403 and a listing confirms that the object is missing. */
  head(key: string): Promise<ObjectInfo | null>;
  /** Returns null for a missing object. `range` is [first, last], both inclusive. Consume or cancel the body. */
  get(
    key: string,
    options?: { range?: readonly [number, number]; ifMatch?: string; signal?: AbortSignal },
  ): Promise<{ info: ObjectInfo; body: ReadableStream<Uint8Array> } | null>;
  /**
   * Reads a small object whole: {@link head} and {@link get} in one call. Returns null for a missing object. `bytes`
   * is null when the object has more than `maxBytes` or a Content-Encoding.
   */
  read(key: string, options: { maxBytes: number }): Promise<{ info: ObjectInfo; bytes: Uint8Array | null } | null>;
  put(options: PutOptions): Promise<{ etag: string }>;
  copy(options: CopyOptions): Promise<{ etag: string }>;
  /**
   * `ifMatch` is the ETag that the object must have; it is sent where the storage honours it. Returns false when the
   * object has another ETag or does not exist.
   */
  delete(key: string, options?: { ifMatch?: string }): Promise<boolean>;
  /** Sends one request per 1,000 keys. Returns the keys that could not be deleted. */
  deleteMany(keys: readonly string[]): Promise<{ key: string; code: string }[]>;
  list(options: { prefix: string; continuationToken?: string; maxKeys?: number }): Promise<ListPage>;
}
