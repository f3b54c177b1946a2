/** {@link Storage}, the interface that the server works with, and every type that it is made of. */
import type { MultipartOperations } from './multipart-types.ts';
import type { ObjectOperations } from './object-types.ts';
import type { StorageCapabilities } from './options.ts';
import type { PresignOperations } from './presign-types.ts';

export type * from './multipart-types.ts';
export type * from './object-types.ts';
export type * from './options.ts';
export type * from './presign-types.ts';

export interface StorageFinding {
  /** `NoSuchBucket`, `ENOTFOUND` and the like, `capability_missing`, `clock_wrong`, `delete_denied`, `check_failed`. */
  code: string;
  /** Uploads fail, now or later, while there is an `error`. */
  severity: 'error' | 'warning';
  /** What was observed. */
  message: string;
  /** What to change. */
  fix: string;
}

export interface StorageReport {
  /** True when no finding is an `error`. */
  ok: boolean;
  findings: StorageFinding[];
}

export interface CheckOptions {
  /** The check writes its objects below this prefix and deletes them. @example 'incoming/.waybill/' */
  prefix: string;
  /** Time for the whole check, in milliseconds. @default 5000 */
  timeoutMs?: number;
}

/**
 * One bucket. An operation throws {@link S3Error} when the storage refuses it, and a `WaybillError`
 * (`storage_unavailable`, `storage_rejected`) when there is no response.
 */
export interface Storage extends PresignOperations, ObjectOperations, MultipartOperations {
  readonly bucket: string;
  readonly region: string;
  readonly capabilities: StorageCapabilities;
  /** The origin that clients send to, for CORS and CSP. */
  readonly publicOrigin: string;
  /** Every origin that clients may send to; {@link publicOrigin} is the first. */
  readonly publicOrigins: readonly string[];
  /** Undefined when valid credentials are loaded, else a promise to wait for. This keeps presigning synchronous. */
  ready(): undefined | Promise<void>;
  /** How far the storage's clock was ahead of ours in its last responses, in milliseconds; 0 while they agree. */
  clockOffsetMs(): number;
  /**
   * Tries the storage as it is configured: it stores and deletes small objects below `prefix`, and attempts what each
   * claimed capability says is refused. It never throws: every problem is a finding.
   */
  check(options: CheckOptions): Promise<StorageReport>;
}
