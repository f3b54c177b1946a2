/**
 * The JSON bodies of all calls between client and server. They are in one file so that the protocol can be read as a
 * whole. `{endpoint}` is the URL of the handler's `uploads` collection, `/uploads` by default.
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
 * A batch answers 200 when at least one of its items succeeded, with `{error}` in the place of each item that failed.
 * When every item failed, the status is that of the first error and the body also has it as `error`, so that `curl
 * --fail` fails and a client that reads only `error` is right. A completion whose object the storage is still copying
 * is a {@link PendingUpload}; the answer is then 202 with `Retry-After` unless another item succeeded.
 */
import type { WireError } from './errors.ts';

/** A checksum of the bytes to store. `value` is the raw digest in base64, as in S3's headers. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  value: string;
}

/**
 * The names of all checksums that a storage may verify or return. `md5` is sent as `Content-MD5`, the others as
 * `x-amz-checksum-<algorithm>`. A declaration may use only `sha256`, or `md5` where the storage verifies no SHA-256:
 * see server/grants/strongest-checksum.ts. The server refuses every other algorithm.
 */
export type ChecksumAlgorithm = 'sha256' | 'sha1' | 'crc32' | 'crc32c' | 'crc64nvme' | 'md5';

/** How the bytes are sent. `none`: they are stored already, see {@link SharedGrant}. */
export type Transfer = 'put' | 'form' | 'multipart' | 'none';

/** What the client declares about one file before it sends any byte. */
export interface FileDeclaration {
  /** Untrusted display name, 1 to 255 UTF-8 bytes. It never decides where the file is stored. */
  fileName: string;
  /**
   * Exact size in bytes; null for a stream, which is sent by multipart only and may have up to the route's `maxBytes`.
   */
  size: number | null;
  /**
   * MIME type without parameters, in lower case, in any spelling of its format. Leave it out when it is not known.
   * Then, and for a placeholder (`application/octet-stream`, `image/*`, the empty string), the extension of `fileName`
   * decides. The grant has the resulting type.
   */
  contentType?: string;
  /**
   * Required for `put` and `form` unless the route has `integrity: 'size-only'`. Parts are declared when they are
   * signed.
   */
  checksum?: Checksum;
  /** Replaces the request's `metadata` for this file. At most 64 KiB as JSON and 32 levels deep, without U+0000. */
  metadata?: unknown;
  /**
   * The wanted size of every part of a multipart upload except the last one, see `planParts`. @default the plan of the
   * server
   */
  partSize?: number;
  /** Which of {@link RouteInfo.hosts} to sign for. @default 0 */
  host?: number;
  /**
   * A random value that the client chooses for one upload: 1 to 64 visible ASCII characters. With it a grant call whose
   * answer was lost can be repeated: the same owner, route, key and declaration get the same upload with a new request.
   * Another declaration with the same key is `upload_conflict`. The key can be used again once the upload has expired,
   * or was aborted, rejected or deleted. It has no effect on a route for `anyone`, which has no owners.
   * @example crypto.randomUUID()
   */
  idempotencyKey?: string;
}

export interface GrantRequest {
  route: string;
  files: FileDeclaration[];
  /** Checked by the route's schema. Applies to every file without `metadata` of its own. */
  metadata?: unknown;
  /** The transfers that this client supports, best first. @default ["put"], which any HTTP client supports */
  transfers?: Transfer[];
}

/**
 * One request to the storage as plain data, which any HTTP client can send. With `fields` the body is
 * multipart/form-data: these fields in this order, then the bytes as the field `file`. It is a bearer secret until
 * `expiresAt`: never log it.
 */
export interface PresignedRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  url: string;
  /** Send exactly these. `content-length` is signed too; HTTP clients set it from the body. */
  headers: Record<string, string>;
  fields?: Record<string, string>;
  /** ISO 8601. The request must begin before; it may finish later. */
  expiresAt: string;
}

/** The grant of one upload, with what the client needs to send the bytes. */
export type GrantedUpload = SingleGrant | MultipartGrant | SharedGrant;

interface Granted {
  uploadId: string;
  /** Opaque, sealed, bound to the owner. Send it back to complete or abort the upload. */
  grant: string;
  /** How long `grant` and `request` are valid, in seconds from this answer, for clients whose clock is wrong. */
  expiresInSeconds: number;
  /**
   * The type that is signed: in the route's spelling where the route names the format, else in the canonical one. Where
   * the bytes decide (`.ts`), {@link StoredFile.contentType} may differ.
   */
  contentType: string;
}

/** All bytes are sent in one request. */
export interface SingleGrant extends Granted {
  transfer: 'put' | 'form';
  request: PresignedRequest;
}

/**
 * The same owner has stored the same bytes on this route. Send nothing and complete at once. Only clients that list
 * `none` in {@link GrantRequest.transfers} get it, on routes with `dedupe`.
 */
export interface SharedGrant extends Granted {
  transfer: 'none';
}

/** A grant without requests. The client asks for those of the parts when it needs them: {@link SignPartsRequest}. */
export interface MultipartGrant extends Granted {
  transfer: 'multipart';
  /** Bytes of every part except the last one. */
  partSize: number;
  /** Null for a stream. */
  partCount: number | null;
}

/**
 * Asks for the requests of some parts of one upload. Each is signed for exactly this length and checksum, and must be
 * in the plan. When the grant has expired, {@link ListPartsResponse} has a new one if the user may still upload.
 */
export interface SignPartsRequest {
  grant: string;
  /** 1 to 1,000. */
  parts: PartDeclaration[];
  /**
   * How long the requests should be valid, in seconds, for a client that cannot ask again (the background worker of a
   * phone). The limit of the server (`maxExpiresInSeconds`, by default its `expiresInSeconds`) and its credentials can
   * shorten it; `expiresInSeconds` in the answer has the result.
   */
  expiresInSeconds?: number;
}

export interface PartDeclaration {
  /** From 1. */
  partNumber: number;
  /**
   * Bytes: the plan's `partSize`, or the rest for the last part. The last part of a stream may have any smaller size.
   */
  size: number;
  /** Required unless the route has `integrity: 'size-only'`. */
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

/**
 * The parts that have arrived, and a renewed grant. The call fails with `upload_conflict` once the upload is completing
 * or has ended.
 */
export interface ListPartsResponse {
  uploadId: string;
  /** Replaces the grant of the request. */
  grant: string;
  expiresInSeconds: number;
  partSize: number;
  partCount: number | null;
  /** Ordered by number. */
  parts: ArrivedPart[];
}

export interface ArrivedPart {
  partNumber: number;
  /** Bytes. */
  size: number;
  /** The checksum that the storage verified, or the MD5 where it has no other. Null when the storage has none. */
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
  /** 1 to 100 grants, or grants with facts to compare. */
  grants: (string | MultipartCompletion)[];
}

/** What the client declares about a finished multipart upload. The server compares it with the storage. */
export interface MultipartCompletion {
  grant: string;
  /** The digest of the digests of all parts, in base64. */
  checksum?: Checksum;
  /** The total size in bytes. Required for a stream, whose size was not declared. */
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
  /** From the client, cleaned for display. Untrusted. */
  fileName: string;
  /** Bytes. */
  size: number;
  /** Verified against the content. */
  contentType: string;
  /**
   * The encoding of a text file in Unicode, detected from its bytes: `utf-8`, `utf-16le` or `utf-16be`. It is stored
   * with the file.
   */
  charset?: string;
  /** The checksum of all bytes, or with `parts` the digest of the digests of that many parts. */
  checksum: (Checksum & { parts?: number }) | null;
  /** The storage's ETag, opaque, quotes included. */
  etag: string;
  /** A stable URL that displays the file to those who may see it. Relative to the server's origin unless configured. */
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

/** Completion is still running: a large object takes the storage long to copy. Complete the upload again later. */
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

/** One page of the files of an owner on one route. */
export interface ListFilesResponse {
  /** With a ledger those granted last first; without one in the order of their keys. */
  files: StoredFile[];
  /** Asks for the next page. Null on the last page. A page that is not the last may have fewer files than `limit`. */
  cursor: string | null;
}

export interface RenameRequest {
  /** For display, 1 to 255 bytes. */
  fileName: string;
}

export interface RenameResponse {
  /** With the new `fileName` and a new `url`. The earlier URL stays valid. */
  file: StoredFile;
}

export interface ViewResponse {
  url: string;
  /** ISO 8601. */
  expiresAt: string;
}

/** What a client needs to know about a route before it declares a file. Cacheable. */
export interface RouteInfo {
  route: string;
  limits: {
    /** Patterns such as `image/*`, `application/pdf`; undefined for any type. */
    contentTypes?: string[];
    /** Lower case, without the dot. */
    extensions?: string[];
    minBytes: number;
    maxBytes: number;
    maxFiles: number;
  };
  /** The checksum that a declaration must have; null when the route requires none. */
  checksum: ChecksumAlgorithm | null;
  /** The transfers that the storage supports, best first. */
  transfers: Transfer[];
  /** Files of at most this many bytes are sent by `form` when the client supports it. */
  formMaxBytes: number;
  /** Files of at least this many bytes are sent by `multipart` when the client supports it; streams always are. */
  multipartMinBytes: number;
  /** Origins of the storage that clients may send to, the default first. A browser opens six connections to each. */
  hosts: string[];
}
