/** The shapes of this room: credentials, capabilities, and the storage that the server works with. */
import type { Checksum, ChecksumAlgorithm, PresignedRequest } from '../protocol/index.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** From STS. Travels inside presigned requests as `X-Amz-Security-Token`, and nowhere else. */
  sessionToken?: string | undefined;
  /** When these stop working. Presigned requests never outlive it. */
  expiration?: Date | undefined;
}

/** Fixed credentials, or where to get them. A provider is asked again five minutes before they expire. */
export type CredentialsSource = Credentials | (() => Credentials | Promise<Credentials>);

/**
 * What a storage was observed to enforce (a refused second write, a refused wrong byte), never what it claims.
 * Data, so that a route whose guarantee a storage cannot give refuses at start-up.
 */
export interface StorageCapabilities {
  /** `If-None-Match: *` on PutObject refuses a second write with 412, races included. */
  once: boolean;
  /** `If-None-Match: *` on CopyObject guards the destination. */
  copyOnce: boolean;
  /** `x-amz-copy-source-if-match` is honoured. */
  copyPrecondition: boolean;
  /** Algorithms verified in signed `x-amz-checksum-*` headers on PutObject, and returned by HEAD. */
  checksums: readonly Exclude<ChecksumAlgorithm, 'md5'>[];
  /** `Content-MD5` is verified. */
  contentMd5: boolean;
  /** POST policies are enforced, `content-length-range` included. */
  postPolicy: boolean;
  /** Algorithms verified in `x-amz-checksum-*` fields of a POST form. */
  postChecksums: readonly Exclude<ChecksumAlgorithm, 'md5'>[];
  /** A `Content-MD5` field of a POST form is verified. */
  postContentMd5: boolean;
  /** An `x-amz-meta-*` header that was not signed is refused. */
  refusesUnsignedHeaders: boolean;
  /** All parts of a multipart upload but the last must have the same size. */
  equalParts: boolean;
  tagging: boolean;
}

export interface S3StorageOptions {
  bucket: string;
  /** @default 'us-east-1' */
  region?: string;
  /** Where this server reaches the storage. @default AWS's endpoint of the region @example 'http://minio:9000' */
  endpoint?: string;
  /** Where clients reach it, when that differs (containers, a CDN). @default `endpoint` */
  publicEndpoint?: string;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. @default true with a custom endpoint, else false */
  pathStyle?: boolean;
  credentials: CredentialsSource;
  /** A preset's name, or corrections to AWS's. @default 'aws' */
  capabilities?: CapabilityPreset | Partial<StorageCapabilities>;
  /** Give up on one attempt after this long without an answer. @default 10_000 */
  timeoutMs?: number;
  /** Attempts after the first on 5xx, SlowDown, 409 ConditionalRequestConflict and connection errors. @default 3 */
  retries?: number;
  /** @default globalThis.fetch */
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
  /** 0 <= n < 1, for jitter only. @default Math.random */
  random?: () => number;
}

export type CapabilityPreset = 'aws' | 'devstore' | 'ceph16' | 'r2' | 'minio' | 'gcs' | 'b2';

export interface PresignPutOptions {
  key: string;
  /** Signed as `content-length`. */
  size: number;
  contentType: string;
  checksum?: Checksum | undefined;
  /** Signs `If-None-Match: *`. @default true */
  once?: boolean;
  /** Signed as `x-amz-meta-*`. */
  metadata?: Readonly<Record<string, string>>;
  expiresInSeconds: number;
}

export interface PresignFormOptions {
  key: string;
  /** Exact: `content-length-range` is [size, size]. */
  size: number;
  contentType: string;
  checksum?: Checksum | undefined;
  metadata?: Readonly<Record<string, string>>;
  expiresInSeconds: number;
}

export interface PresignGetOptions {
  key: string;
  expiresInSeconds: number;
  /** `response-content-type` */
  contentType?: string;
  /** `response-content-disposition` */
  contentDisposition?: string;
  /** `response-cache-control` */
  cacheControl?: string;
  /** Milliseconds since the epoch to sign for; rounding it down makes equal, cacheable URLs. @default now */
  signedAt?: number;
}

/** What HEAD and GET tell of an object. */
export interface ObjectInfo {
  key: string;
  size: number;
  contentType: string;
  /** Opaque, quotes included as sent. */
  etag: string;
  lastModified: string;
  /** Those the storage returned (asked for with `x-amz-checksum-mode: ENABLED`). */
  checksums: Partial<Record<Exclude<ChecksumAlgorithm, 'md5'>, string>>;
  /** `x-amz-meta-*`, names lower case without the prefix. */
  metadata: Record<string, string>;
  contentEncoding?: string;
  contentDisposition?: string;
  cacheControl?: string;
  versionId?: string;
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
  /** All of these replace the source's (`x-amz-metadata-directive: REPLACE`). */
  contentType: string;
  metadata?: Readonly<Record<string, string>>;
  contentDisposition?: string;
  cacheControl?: string;
}

export interface ListPage {
  objects: { key: string; size: number; etag: string; lastModified: string }[];
  continuationToken?: string;
}

/**
 * One bucket. Presigning is synchronous and touches no network; call {@link Storage.ready} first.
 * Every operation throws {@link S3Error} (from a response) or a `WaybillError` (`storage_unavailable` when there was none).
 */
export interface Storage {
  readonly bucket: string;
  readonly region: string;
  readonly capabilities: StorageCapabilities;
  /** Origin that clients will send to, for CORS and CSP. */
  readonly publicOrigin: string;
  /** Undefined when fresh credentials are at hand; else a promise to wait for. Keeps the hot path synchronous. */
  ready(): undefined | Promise<void>;

  presignPut(options: PresignPutOptions): PresignedRequest;
  presignForm(options: PresignFormOptions): PresignedRequest;
  presignGet(options: PresignGetOptions): PresignedRequest;
  presignHead(options: { key: string; expiresInSeconds: number }): PresignedRequest;

  /** Null when there is no such object (also a 403 that a listing confirms as missing). */
  head(key: string): Promise<ObjectInfo | null>;
  /** Null when missing. `range` is [first, last], both inclusive. The body must be consumed or cancelled. */
  get(
    key: string,
    options?: { range?: readonly [number, number]; ifMatch?: string; signal?: AbortSignal },
  ): Promise<{ info: ObjectInfo; body: ReadableStream<Uint8Array> } | null>;
  put(options: PutOptions): Promise<{ etag: string }>;
  copy(options: CopyOptions): Promise<{ etag: string }>;
  delete(key: string): Promise<void>;
  /** At most 1,000 keys a request; more are sent in several. Returns those that failed. */
  deleteMany(keys: readonly string[]): Promise<{ key: string; code: string }[]>;
  list(options: { prefix: string; continuationToken?: string; maxKeys?: number }): Promise<ListPage>;
}
