/** The operations that presign a request for a client, and their options. */
import type { Checksum, PresignedRequest } from '../protocol/index.ts';

interface PresignOptions {
  key: string;
  /** How long the request is valid, 1 to 604,800. It never outlives the credentials. */
  expiresInSeconds: number;
}

interface PresignUploadOptions extends PresignOptions {
  /** Bytes. Signed as `content-length`; in a form `content-length-range` is [size, size]. */
  size: number;
  checksum?: Checksum | undefined;
  /** Index into `publicOrigins`. @default 0 */
  host?: number;
}

export interface PresignPutOptions extends PresignUploadOptions {
  contentType: string;
  /** Signs `If-None-Match: *`, which refuses to replace an object. @default true */
  once?: boolean;
  /** Signed as `x-amz-meta-*`. */
  metadata?: Readonly<Record<string, string>>;
}

export interface PresignFormOptions extends PresignUploadOptions {
  contentType: string;
  /** Fixed by the policy as `x-amz-meta-*` fields. */
  metadata?: Readonly<Record<string, string>>;
}

export interface PresignPartOptions extends PresignUploadOptions {
  multipartId: string;
  /** 1 to 10,000. */
  partNumber: number;
}

export interface PresignGetOptions extends PresignOptions {
  /** `response-content-type` */
  contentType?: string;
  /** `response-content-disposition` */
  contentDisposition?: string;
  /** `response-cache-control` */
  cacheControl?: string;
  /**
   * The time to sign for, in milliseconds since the epoch. Rounded down, it makes equal URLs that caches recognise.
   * @default now
   */
  signedAt?: number;
}

/** Presigning is synchronous and uses no network. Wait for {@link Storage.ready} first. */
export interface PresignOperations {
  /** @throws {WaybillError} `config_invalid` where the storage cannot enforce what is asked for */
  presignPut(options: PresignPutOptions): PresignedRequest;
  /** @throws {WaybillError} `config_invalid` where the storage cannot enforce what is asked for */
  presignForm(options: PresignFormOptions): PresignedRequest;
  /** @throws {WaybillError} `config_invalid` where the storage cannot enforce what is asked for */
  presignPart(options: PresignPartOptions): PresignedRequest;
  presignGet(options: PresignGetOptions): PresignedRequest;
  presignHead(options: PresignGetOptions): PresignedRequest;
}
