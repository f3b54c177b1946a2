/** A refusal that the storage put into words, and what it means to whoever asked Waybill. */
import { isWaybillError, WaybillError } from '../protocol/index.ts';
import { redact } from './redact.ts';
import { refusalHint } from './storage-hints.ts';

const brand = 'waybill.s3-error';

export interface S3ErrorOptions {
  /** AWS's code, such as `NoSuchKey`; for HEAD, which has no body, the nearest one for its status. */
  code: string;
  /** HTTP status; 200 when the error came inside a success. */
  status: number;
  /** The storage's own words; redacted here. */
  message?: string;
  requestId?: string | undefined;
  /** 412 on a later attempt may be the echo of an earlier one whose answer was lost. @default 1 */
  attempts?: number;
  retryAfterSeconds?: number | undefined;
}

export class S3Error extends Error {
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

/** By brand, which also holds across two copies of the package. */
export function isS3Error(value: unknown): value is S3Error {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)[brand] === true;
}

/** Codes that say "not now" whatever their status. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
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

/** Would the same request, sent again, have a chance? */
export function isTransient({ code, status }: Pick<S3Error, 'code' | 'status'>): boolean {
  return transientCodes.has(code) || status === 429 || (status >= 500 && status !== 501);
}

/**
 * A fault of the storage or of how it is set up. `message` is for the developer: what happened and what to set. The user, who
 * cannot mend it, reads one sentence instead (see server/answers.ts).
 */
export function storageFault(
  code: 'storage_rejected' | 'storage_unavailable',
  message: string,
  { storageCode, ...options }: StorageFaultOptions = {},
): WaybillError {
  const details = storageCode === undefined ? {} : { details: { storageCode } };
  return new WaybillError(code, message, { ...options, ...details });
}

interface StorageFaultOptions {
  /** For the log of the server. */
  cause?: unknown;
  retryAfterSeconds?: number | undefined;
  /** The storage's own code, such as NoSuchBucket, or the system's, such as ENOTFOUND. */
  storageCode?: string;
}

/** `storage_unavailable` or `storage_rejected`; anything that is not from the storage passes through. */
export function toWaybillError(error: unknown): unknown {
  if (!isS3Error(error) || isWaybillError(error)) return error;
  const { code: storageCode, retryAfterSeconds } = error;
  const options = { cause: error, retryAfterSeconds, storageCode };
  if (isTransient(error))
    return storageFault('storage_unavailable', `The storage cannot answer right now: ${storageCode}.`, options);
  const hint = refusalHint(error);
  const words = `The storage refused: ${storageCode}.${hint === undefined ? '' : ` ${hint}`}`;
  return storageFault('storage_rejected', words, options);
}
