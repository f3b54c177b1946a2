/** The errors that a storage answers with, and their translation to errors of Waybill. */
import { isWaybillError, WaybillError } from '../protocol/index.ts';
import { redact } from './redact.ts';
import { refusalHint } from './storage-hints.ts';

const brand = 'waybill.s3-error';

export interface S3ErrorOptions {
  /** AWS's code, such as `NoSuchKey`; for HEAD, which has no body, the nearest one for its status. */
  code: string;
  /** HTTP status; 200 when the error came inside a success. */
  status: number;
  /** The message of the storage. It is redacted here. */
  message?: string;
  requestId?: string | undefined;
  /** A 412 on a later attempt may be caused by an earlier attempt whose response was lost. @default 1 */
  attempts?: number;
  retryAfterSeconds?: number | undefined;
}

/**
 * Thrown by the operations of a {@link Storage} when the storage refuses a request. Recognise it with {@link
 * isS3Error}.
 *
 * @example new S3Error({ code: 'NoSuchKey', status: 404 }).message // 'NoSuchKey (404)'
 */
export class S3Error extends Error {
  /** The error code of S3, such as `NoSuchKey`. */
  readonly code: string;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly attempts: number;
  readonly retryAfterSeconds: number | undefined;
  /** @internal */
  readonly [brand] = true;

  constructor(options: S3ErrorOptions) {
    super(redact(`${options.code} (${options.status})${options.message ? `: ${options.message}` : ''}`));
    this.name = 'S3Error';
    this.code = redact(options.code);
    this.status = options.status;
    this.requestId = options.requestId;
    this.attempts = options.attempts ?? 1;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/**
 * Whether an error came from the storage. It compares a brand, which also works across two copies of the package.
 *
 * @example if (isS3Error(error) && error.code === 'NoSuchBucket') createBucket()
 */
export function isS3Error(value: unknown): value is S3Error {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)[brand] === true;
}

/**
 * Codes that mean "try again later", for any status.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const transientCodes: ReadonlySet<string> = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
]);

/** Whether the same request may succeed when it is sent again. */
export function isTransient({ code, status }: Pick<S3Error, 'code' | 'status'>): boolean {
  return transientCodes.has(code) || status === 429 || (status >= 500 && status !== 501);
}

/**
 * An error of the storage or of its configuration. The message is for the developer: what happened and what to
 * change. The server sends clients a general message instead.
 */
export function storageError(
  code: 'storage_rejected' | 'storage_unavailable',
  message: string,
  { storageCode, ...options }: StorageErrorOptions = {},
): WaybillError {
  const details = storageCode === undefined ? {} : { details: { storageCode } };
  return new WaybillError(code, message, { ...options, ...details });
}

interface StorageErrorOptions {
  /** For the log of the server. */
  cause?: unknown;
  retryAfterSeconds?: number | undefined;
  /** The storage's own code, such as NoSuchBucket, or the system's, such as ENOTFOUND. */
  storageCode?: string;
}

/** Converts an S3Error to `storage_unavailable` or `storage_rejected`, and returns any other error unchanged. */
export function toWaybillError(error: unknown): unknown {
  if (!isS3Error(error) || isWaybillError(error)) return error;
  const { code: storageCode, retryAfterSeconds } = error;
  const options = { cause: error, retryAfterSeconds, storageCode };
  if (isTransient(error))
    return storageError('storage_unavailable', `The storage cannot answer right now: ${storageCode}.`, options);
  const hint = refusalHint(error);
  const message = `The storage refused: ${storageCode}.${hint === undefined ? '' : ` ${hint}`}`;
  return storageError('storage_rejected', message, options);
}
