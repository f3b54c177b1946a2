/** The shapes of this room: credentials, capabilities, and the storage that the server works with. */

import type { Checksum, ChecksumAlgorithm, PresignedRequest } from '../protocol/index.ts';
import type { CheckOptions, StorageReport } from './check.ts';

export interface Credentials {
  /** The public half of the key. It is part of every presigned URL. */
  accessKeyId: string;
  /** The secret half. It signs, and is never sent. */
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
  /** `If-Match` on DeleteObject is honoured: an object with another ETag is not deleted. */
  deleteIfMatch: boolean;
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
  /**
   * An `x-amz-acl` header that was not signed makes the object public. Requests then sign `x-amz-acl: private`, which AWS
   * refuses where ACLs are disabled or an access point forbids them, and some storages always.
   */
  unsignedAcls: boolean;
  /** All parts of a multipart upload but the last must have the same size. */
  equalParts: boolean;
  /** Multipart uploads that work: parts, lists of them, completion. */
  multipart: boolean;
  /** `If-None-Match: *` on CompleteMultipartUpload refuses to replace an object. */
  completeOnce: boolean;
  /** Algorithms verified in signed `x-amz-checksum-*` headers on UploadPart, listed, and composed on completion. */
  partChecksums: readonly Exclude<ChecksumAlgorithm, 'md5'>[];
  /** Objects can have tags. */
  tagging: boolean;
  /**
   * Each write of an object gets an id of its own, which HEAD and GET tell: `x-amz-version-id` in a versioned bucket,
   * `x-goog-generation` at Google. Needed where a second write is not refused (`once`).
   */
  writeIds: boolean;
}

export interface S3StorageOptions {
  /** The name of the bucket. It must exist. @example 'user-content' */
  bucket: string;
  /**
   * The region that requests are signed for. Storages without regions take `us-east-1` or `auto`.
   * @default 'us-east-1' @example 'eu-west-1'
   */
  region?: string;
  /** Where this server reaches the storage. @default AWS's endpoint of the region @example 'http://minio:9000' */
  endpoint?: string;
  /**
   * Where clients reach the storage, when that differs from `endpoint` (containers, a CDN). A list gives further names
   * of the same bucket, each with six more connections in a browser; clients use them where they measure a gain.
   * @default `endpoint` @example 'https://s3.app.example'
   */
  publicEndpoint?: string | readonly string[];
  /**
   * Use URLs of the form `endpoint/bucket/key` instead of `bucket.endpoint/key`.
   * @default true with a custom endpoint, else false @example false
   */
  pathStyle?: boolean;
  /**
   * The access key, or a function that returns it: `envCredentials(process.env)`, `awsCredentials()`, or your own.
   * @example envCredentials(process.env)
   */
  credentials: CredentialsSource;
  /**
   * What the storage enforces: the name of a preset, or corrections to `aws`. Choose it first, see docs/storage.md.
   * @default 'aws' for endpoints of AWS, and required for all others @example 'ceph16'
   */
  capabilities?: CapabilityPreset | Partial<StorageCapabilities>;
  /** How long one attempt may take without an answer, in milliseconds. @default 10_000 @example 5_000 */
  timeoutMs?: number;
  /**
   * Attempts after the first on 5xx, SlowDown, 409 ConditionalRequestConflict and connection errors.
   * @default 3 @example 1
   */
  retries?: number;
  /**
   * Sends the requests of this server to the storage, for instance through a proxy.
   * @default node:http(s), which keeps connections open @example (url, init) => fetch(url, { ...init, dispatcher })
   */
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
  /** Which of the public endpoints. @default 0 */
  host?: number;
}

export interface PresignFormOptions {
  key: string;
  /** Exact: `content-length-range` is [size, size]. */
  size: number;
  contentType: string;
  checksum?: Checksum | undefined;
  metadata?: Readonly<Record<string, string>>;
  expiresInSeconds: number;
  /** Which of the public endpoints. @default 0 */
  host?: number;
}

export interface PresignPartOptions {
  key: string;
  multipartId: string;
  /** 1 to 10,000. */
  partNumber: number;
  /** Signed as `content-length`. */
  size: number;
  checksum?: Checksum | undefined;
  expiresInSeconds: number;
  /** Which of the public endpoints. @default 0 */
  host?: number;
}

export interface CreateMultipartOptions {
  key: string;
  contentType: string;
  metadata?: Readonly<Record<string, string>>;
  contentDisposition?: string;
  cacheControl?: string;
  /** What parts will carry, composed on completion. Sent where the storage knows it. */
  checksumAlgorithm?: ChecksumAlgorithm | undefined;
}

export interface PartInfo {
  partNumber: number;
  /** Bytes. */
  size: number;
  /** Opaque, quotes included. */
  etag: string;
  checksums: Partial<Record<Exclude<ChecksumAlgorithm, 'md5'>, string>>;
  /** ISO 8601, where a storage lists it. */
  lastModified?: string;
}

export interface CompleteMultipartOptions {
  key: string;
  multipartId: string;
  /** In ascending order. */
  parts: readonly PartInfo[];
  /** Sent as `x-amz-mp-object-size`: the storage refuses another sum. */
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
  /** Pass on for the next page. */
  next?: { keyMarker: string; multipartIdMarker: string };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
export interface MultipartOperations {
  presignPart(options: PresignPartOptions): PresignedRequest;
  createMultipart(options: CreateMultipartOptions): Promise<{ multipartId: string }>;
  /** All pages. Null when there is no such multipart upload: never begun, completed or aborted. */
  listParts(key: string, multipartId: string): Promise<PartInfo[] | null>;
  /**
   * Checksums that the storage composed are base64 of the digest of the parts' digests, without the `-N` it appends.
   *
   * @throws S3Error also where a 200 carries an `<Error>`; `ConditionalRequestConflict` is not retried here, because S3
   * wants all parts again then
   */
  completeMultipart(options: CompleteMultipartOptions): Promise<{ etag: string; checksums: ObjectInfo['checksums'] }>;
  /** Frees the parts. Nothing happens when it is gone already. */
  abortMultipart(key: string, multipartId: string): Promise<void>;
  listMultiparts(options: { prefix: string; next?: MultipartListing['next'] }): Promise<MultipartListing>;
  /** UploadPartCopy, for objects that one CopyObject does not carry (over 5 GB). */
  copyPart(options: CopyPartOptions): Promise<PartInfo>;
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
  /** Names this one write of the object, see {@link StorageCapabilities.writeIds}. */
  writeId?: string;
  /** `x-amz-server-side-encryption`, or `SSE-C`. With keys from KMS or of the client an ETag is not an MD5. */
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
export interface Storage extends MultipartOperations {
  readonly bucket: string;
  readonly region: string;
  readonly capabilities: StorageCapabilities;
  /** Origin that clients will send to, for CORS and CSP. */
  readonly publicOrigin: string;
  /** All of them, the usual one first. */
  readonly publicOrigins: readonly string[];
  /** Undefined when fresh credentials are at hand; else a promise to wait for. Keeps the hot path synchronous. */
  ready(): undefined | Promise<void>;
  /** How far the storage's clock was ahead of ours in its last answers, in milliseconds; 0 while they agree. */
  clockOffsetMs(): number;

  /**
   * Tries the storage as it is set up, and each capability that is claimed, by attempts below `prefix` that are cleaned up.
   * Never throws: what is wrong is a finding.
   */
  check(options: CheckOptions): Promise<StorageReport>;

  presignPut(options: PresignPutOptions): PresignedRequest;
  presignForm(options: PresignFormOptions): PresignedRequest;
  presignGet(options: PresignGetOptions): PresignedRequest;
  presignHead(options: PresignGetOptions): PresignedRequest;

  /** Null when there is no such object (also a 403 that a listing confirms as missing). */
  head(key: string): Promise<ObjectInfo | null>;
  /** Null when missing. `range` is [first, last], both inclusive. The body must be consumed or cancelled. */
  get(
    key: string,
    options?: { range?: readonly [number, number]; ifMatch?: string; signal?: AbortSignal },
  ): Promise<{ info: ObjectInfo; body: ReadableStream<Uint8Array> } | null>;
  /**
   * What is small, whole and with its checksums: {@link head} and {@link get} in one call. Null when missing; `bytes` is
   * null when there are more than `maxBytes`, or a Content-Encoding is in the way.
   */
  read(key: string, options: { maxBytes: number }): Promise<{ info: ObjectInfo; bytes: Uint8Array | null } | null>;
  put(options: PutOptions): Promise<{ etag: string }>;
  copy(options: CopyOptions): Promise<{ etag: string }>;
  /**
   * `ifMatch` is the ETag that the object must have, sent where the storage honours it. False when the object has another
   * one, or is gone.
   */
  delete(key: string, options?: { ifMatch?: string }): Promise<boolean>;
  /** At most 1,000 keys a request; more are sent in several. Returns those that failed. */
  deleteMany(keys: readonly string[]): Promise<{ key: string; code: string }[]>;
  list(options: { prefix: string; continuationToken?: string; maxKeys?: number }): Promise<ListPage>;
}
