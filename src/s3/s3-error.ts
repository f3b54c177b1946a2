/** A refusal that the storage put into words, and what it means to whoever asked Waybill. */
import { isWaybillError, WaybillError } from '../protocol/index.ts';
import { redact } from './redact.ts';

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
 * A fault of the storage or of how it is set up. The user cannot mend it and reads one sentence; `hint` says to the
 * developer what happened and what to set, in the log and in `details.hint`.
 */
export function storageFault(
  code: 'storage_rejected' | 'storage_unavailable',
  hint: string,
  options: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
): WaybillError {
  return new WaybillError(code, 'Uploads are not available right now.', { ...options, details: { hint } });
}

/** `storage_unavailable` or `storage_rejected`; anything that is not from the storage passes through. */
export function toWaybillError(error: unknown): unknown {
  if (!isS3Error(error) || isWaybillError(error)) return error;
  const { code: storageCode, retryAfterSeconds } = error;
  return new WaybillError(
    isTransient(error) ? 'storage_unavailable' : 'storage_rejected',
    isTransient(error)
      ? `The storage cannot answer right now: ${storageCode}.`
      : `The storage refused: ${storageCode}.`,
    { cause: error, retryAfterSeconds, details: { storageCode } },
  );
}
