/** What {@link s3Storage} takes: its options, the credentials, and the capabilities of a storage. */
import type { ChecksumAlgorithm } from '../protocol/index.ts';

export interface Credentials {
  /** The public half of the key. It is part of every presigned URL. */
  accessKeyId: string;
  /** The secret half. It signs requests and is never sent. */
  secretAccessKey: string;
  /** From STS. Presigned requests carry it as `X-Amz-Security-Token`. */
  sessionToken?: string | undefined;
  /** When these credentials stop working. No presigned request is valid for longer. */
  expiration?: Date | undefined;
}

/** Fixed credentials, or a function that returns them. The function is called again five minutes before they expire. */
export type CredentialsSource = Credentials | (() => Credentials | Promise<Credentials>);

/** The algorithms that S3 verifies in `x-amz-checksum-*` headers. MD5 is verified in `Content-MD5` instead. */
export type S3ChecksumAlgorithm = Exclude<ChecksumAlgorithm, 'md5'>;

/**
 * What a storage was observed to enforce: it refused a second write, or bytes that do not match their checksum. A route
 * that needs a guarantee which its storage does not give is refused when the server starts.
 */
export interface StorageCapabilities {
  /** `If-None-Match: *` on PutObject refuses a second write with 412, also when both writes race. */
  once: boolean;
  /** `If-None-Match: *` on CopyObject refuses to replace an object at the destination. */
  copyOnce: boolean;
  /** `x-amz-copy-source-if-match` is honoured. */
  copyPrecondition: boolean;
  /** `If-Match` on DeleteObject is honoured: an object with another ETag is not deleted. */
  deleteIfMatch: boolean;
  /** Algorithms verified in signed `x-amz-checksum-*` headers on PutObject, and returned by HEAD. */
  checksums: readonly S3ChecksumAlgorithm[];
  /** `Content-MD5` is verified. */
  contentMd5: boolean;
  /** POST policies are enforced, `content-length-range` included. */
  postPolicy: boolean;
  /** Algorithms verified in `x-amz-checksum-*` fields of a POST form. */
  postChecksums: readonly S3ChecksumAlgorithm[];
  /** A `Content-MD5` field of a POST form is verified. */
  postContentMd5: boolean;
  /** An `x-amz-meta-*` header that was not signed is refused. */
  refusesUnsignedHeaders: boolean;
  /**
   * An `x-amz-acl` header that was not signed makes the object public. Requests then sign `x-amz-acl: private`. AWS
   * refuses that header where ACLs are disabled or an access point forbids them, and some storages always refuse it.
   */
  unsignedAcls: boolean;
  /** All parts of a multipart upload, except the last, must have the same size. */
  equalParts: boolean;
  /** Multipart uploads work: sending parts, listing them, and completing. */
  multipart: boolean;
  /** `If-None-Match: *` on CompleteMultipartUpload refuses to replace an object. */
  completeOnce: boolean;
  /** Algorithms verified in signed `x-amz-checksum-*` headers on UploadPart, listed, and composed on completion. */
  partChecksums: readonly S3ChecksumAlgorithm[];
  /** Objects can have tags. */
  tagging: boolean;
  /**
   * Each write of an object has its own id, which HEAD and GET return: `x-amz-version-id` in a versioned bucket,
   * `x-goog-generation` on Google Cloud Storage. Needed where a second write is not refused (`once`).
   */
  writeIds: boolean;
}

export type CapabilityPreset = 'aws' | 'devstore' | 'ceph16' | 'r2' | 'minio' | 'gcs' | 'b2';

export interface S3StorageOptions {
  /** The name of the bucket. It must exist. @example 'user-content' */
  bucket: string;
  /**
   * The region that requests are signed for. Storages without regions accept `us-east-1` or `auto`.
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
   * What the storage enforces: the name of a preset, or corrections to `aws`. See docs/storage.md for how to choose.
   * @default 'aws' for endpoints of AWS, and required for all others @example 'ceph16'
   */
  capabilities?: CapabilityPreset | Partial<StorageCapabilities>;
  /** How long one attempt may take without a response, in milliseconds. @default 10_000 @example 5_000 */
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
