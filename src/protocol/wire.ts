/**
 * What travels between client and server, as JSON. `{endpoint}` below is where the handler's `uploads` collection
 * lives, `/uploads` by default.
 *
 * | call | body | answer |
 * |---|---|---|
 * | `GET {endpoint}/routes/:route` | - | {@link RouteInfo} |
 * | `POST {endpoint}` | {@link GrantRequest} | {@link GrantResponse} |
 * | `POST {endpoint}/parts` | {@link SignPartsRequest} | {@link SignPartsResponse} |
 * | `POST {endpoint}/parts/list` | {@link ListPartsRequest} | {@link ListPartsResponse} |
 * | `POST {endpoint}/complete` | {@link CompleteRequest} | {@link CompleteResponse} |
 * | `POST {endpoint}/abort` | {@link GrantsRequest} | {@link AbortResponse} |
 * | `GET {base}/files/:ref` | - | 302 to the storage; `?as=json`: {@link ViewResponse}; `?download=1`: as attachment |
 * | `DELETE {base}/files/:ref` | - | 204 |
 *
 * A batch answers 200 when at least one of its items succeeded, with `{error}` in the place of each that did not.
 * When every item failed, the status is that of the first error and the body also carries it as `error`, so that
 * `curl --fail` fails and a client that looks only at `error` is right. A completion whose object the storage is still
 * moving stands as {@link PendingUpload}; the answer is then 202 with `Retry-After` unless another item succeeded.
 */
import type { WireError } from './errors.ts';

/** A checksum of exactly the bytes to be stored. `value` is base64 of the raw digest, as S3 wants it. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  value: string;
}

/** `md5` travels as `Content-MD5`, the others as `x-amz-checksum-<algorithm>`. */
export type ChecksumAlgorithm = 'sha256' | 'sha1' | 'crc32' | 'crc32c' | 'crc64nvme' | 'md5';

/** How the bytes go. `none`: they are there already, see {@link SharedGrant}. */
export type Transfer = 'put' | 'form' | 'multipart' | 'none';

/** What the client declares of one file before any byte moves. */
export interface FileDeclaration {
  /** Untrusted display name, 1 to 255 UTF-8 bytes. It never decides where the file is stored. */
  fileName: string;
  /** Exact size in bytes; null for a stream that ends when it ends: by multipart only, up to the route's `maxBytes`. */
  size: number | null;
  /**
   * MIME type without parameters, lower case, in any spelling of its format. Leave it out when nobody knows it: then, and
   * for what systems say instead (`application/octet-stream`, `image/*`, the empty string), the extension of `fileName`
   * decides. The grant answers with the type that it came to.
   */
  contentType?: string;
  /** Required for `put` and `form` unless the route says `integrity: 'size-only'`; parts are bound when they are signed. */
  checksum?: Checksum;
  /** Replaces the request's `metadata` for this file. At most 64 KiB as JSON and 32 levels deep, without U+0000. */
  metadata?: unknown;
  /** For multipart: the size that all parts but the last shall have, see `planParts`. @default the server's own plan */
  partSize?: number;
  /** Which of {@link RouteInfo.hosts} to sign for. @default 0 */
  host?: number;
  /**
   * Chosen by the client for one upload, at random: 1 to 64 visible ASCII characters. The same owner who asks again on the
   * same route with the same key and the same declaration gets the same upload, with a fresh request: a grant call whose
   * answer was lost can be repeated. Another declaration under the same key is `upload_conflict`. The key is free again
   * once the upload has expired, or was aborted, rejected or deleted. Without effect on a route for `anyone`, which has no
   * owner to compare.
   * @example crypto.randomUUID()
   */
  idempotencyKey?: string;
}

export interface GrantRequest {
  route: string;
  files: FileDeclaration[];
  /** Checked by the route's schema; applies to every file that has none of its own. */
  metadata?: unknown;
  /** The ways this client can send, best first. Default `["put"]`, which any HTTP client can do. */
  transfers?: Transfer[];
}

/**
 * One request to the storage as plain data: any HTTP client can replay it. `fields` means multipart/form-data with
 * these fields in this order and then the bytes as the field `file`. A bearer secret until `expiresAt`: never log it.
 */
export interface PresignedRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  url: string;
  /** Send exactly these. `content-length` is among the signed ones; HTTP clients set it themselves from the body. */
  headers: Record<string, string>;
  fields?: Record<string, string>;
  /** ISO 8601. Signed until then; a request that began earlier may finish later. */
  expiresAt: string;
}

/** Permission for one upload. */
export type GrantedUpload = SingleGrant | MultipartGrant | SharedGrant;

interface Granted {
  uploadId: string;
  /** Opaque, sealed, bound to the owner: hand it back to complete or abort. */
  grant: string;
  /** Seconds from this answer for which `grant` (and `request`) is valid. For clients whose clock is wrong. */
  expiresInSeconds: number;
  /**
   * The type that is signed, as the file will be stored: the route's own spelling where it names the format, else the
   * canonical one. Where bytes tell more than a name (`.ts`), {@link StoredFile.contentType} may differ.
   */
  contentType: string;
}

/** All bytes in one request. */
export interface SingleGrant extends Granted {
  transfer: 'put' | 'form';
  request: PresignedRequest;
}

/**
 * The same owner has stored the same bytes on this route: send nothing, and complete at once. Only to clients that list
 * `none` among their {@link GrantRequest.transfers}, on routes with `dedupe`.
 */
export interface SharedGrant extends Granted {
  transfer: 'none';
}

/** Ask for the parts' requests just ahead of need, see {@link SignPartsRequest}. */
export interface MultipartGrant extends Granted {
  transfer: 'multipart';
  /** Bytes of every part but the last. */
  partSize: number;
  /** Null for a stream. */
  partCount: number | null;
}

/**
 * Requests for some parts of one upload. Each is signed for exactly this length and these bytes, and none beyond the
 * plan. When the grant has expired, {@link ListPartsResponse} has a new one for whoever may still send.
 */
export interface SignPartsRequest {
  grant: string;
  /** 1 to 1,000. */
  parts: PartDeclaration[];
  /**
   * For a client that cannot come back (a phone's background worker): how long the requests shall be valid, in seconds.
   * The server's ceiling (`maxExpiresInSeconds`, by default its `expiresInSeconds`) and its credentials shorten it; what
   * came of it is in each `expiresInSeconds` of the answer.
   */
  expiresInSeconds?: number;
}

export interface PartDeclaration {
  /** From 1. */
  partNumber: number;
  /** Bytes: the plan's `partSize`, or what is left for the last part. A stream's last part may be any shorter. */
  size: number;
  /** Required unless the route says `integrity: 'size-only'`. */
  checksum?: Checksum;
  /** Which of {@link RouteInfo.hosts} to sign for. @default 0 */
  host?: number;
}

export interface SignedPart {
  partNumber: number;
  request: PresignedRequest;
  /** Seconds from this answer. */
  expiresInSeconds: number;
}

export interface SignPartsResponse {
  /** One for each declared part, in order. */
  parts: (SignedPart | FailedItem)[];
  error?: WireError;
}

export interface ListPartsRequest {
  grant: string;
}

/** What has arrived of an upload, and a renewed grant to go on with. `upload_conflict` once it is completing or ended. */
export interface ListPartsResponse {
  uploadId: string;
  /** Replaces the one that was sent. */
  grant: string;
  expiresInSeconds: number;
  partSize: number;
  partCount: number | null;
  /** In the order of their numbers. */
  parts: ArrivedPart[];
}

export interface ArrivedPart {
  partNumber: number;
  /** Bytes. */
  size: number;
  /** As the storage verified it; MD5 where it knows no other. Null when the storage does not tell. */
  checksum: Checksum | null;
}

export interface FailedItem {
  error: WireError;
}

export interface GrantResponse {
  /** One for each declared file, in order. */
  uploads: (GrantedUpload | FailedItem)[];
  error?: WireError;
}

export interface GrantsRequest {
  /** 1 to 100 grants. */
  grants: string[];
}

export interface CompleteRequest {
  /** 1 to 100; a plain grant, or one with what is to be compared. */
  grants: (string | MultipartCompletion)[];
}

/** What the client says of a multipart upload that it finished; compared with what the storage has. */
export interface MultipartCompletion {
  grant: string;
  /** Digest of the parts' digests, base64. */
  checksum?: Checksum;
  /** Bytes in all. Required for a stream, which has no size before. */
  size?: number;
}

/** A verified, stored file. */
export interface StoredFile {
  /** The upload's id. */
  uploadId: string;
  /** The route's name. */
  route: string;
  /** The object's key in the bucket. */
  key: string;
  /** As the client gave it, cleaned for display. Untrusted. */
  fileName: string;
  /** Bytes. */
  size: number;
  /** Verified against the content. */
  contentType: string;
  /** Of a text file in Unicode, as its bytes tell: `utf-8`, `utf-16le` or `utf-16be`. The file is stored and shown with it. */
  charset?: string;
  /** Of all bytes; of the parts' digests where `parts` says so. */
  checksum: (Checksum & { parts?: number }) | null;
  /** The storage's ETag, opaque, quotes included. */
  etag: string;
  /** Stable URL that displays the file for whoever may see it. Relative to the server's origin unless configured. */
  url: string;
  /** ISO 8601. */
  storedAt: string;
}

export interface CompletedUpload<Data = unknown> {
  uploadId: string;
  file: StoredFile;
  /** What the route's `onComplete` returned. */
  data: Data;
}

/** Verified or being verified, not yet a file: a large object takes the storage long to move. Complete it again later. */
export interface PendingUpload {
  uploadId: string;
  completing: true;
  /** Ask again after this long; the same number is in the `Retry-After` header. */
  retryAfterSeconds: number;
}

export interface CompleteResponse<Data = unknown> {
  /** One for each grant, in order. */
  results: (CompletedUpload<Data> | PendingUpload | FailedItem)[];
  error?: WireError;
}

export interface AbortResponse {
  results: ({ uploadId: string; aborted: true } | FailedItem)[];
  error?: WireError;
}

export interface ViewResponse {
  url: string;
  /** ISO 8601. */
  expiresAt: string;
}

/** What a client may know of a route before it hashes a byte. Cacheable. */
export interface RouteInfo {
  route: string;
  limits: {
    /** Patterns such as `image/*`, `application/pdf`; absent: any type. */
    contentTypes?: string[];
    /** Lower case, without the dot. */
    extensions?: string[];
    minBytes: number;
    maxBytes: number;
    maxFiles: number;
  };
  /** What the declaration must carry; `null` when the route asks for none. */
  checksum: ChecksumAlgorithm | null;
  /** Ways the storage allows, best first. */
  transfers: Transfer[];
  /** Files of at most this many bytes go by `form` when the client can. */
  formMaxBytes: number;
  /** Files of at least this many bytes go by `multipart` when the client can, streams always. */
  multipartMinBytes: number;
  /** Origins of the storage that clients may send to, the usual one first. Browsers have six connections to each. */
  hosts: string[];
}
