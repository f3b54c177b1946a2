import type { DetailsOf } from './error-details.ts';

/**
 * Every error Waybill can answer, as one table. Status and `retryable` derive from the code; nothing chooses
 * a status at a call site, and a client never infers a code from a status.
 */
const table = {
  // what a server answers
  invalid_request: { status: 400, retryable: false },
  unauthenticated: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  grant_invalid: { status: 403, retryable: false },
  quota_exceeded: { status: 403, retryable: false },
  route_not_found: { status: 404, retryable: false },
  upload_not_found: { status: 404, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  upload_conflict: { status: 409, retryable: false },
  object_not_ready: { status: 409, retryable: true },
  upload_expired: { status: 410, retryable: false },
  request_too_large: { status: 413, retryable: false },
  file_too_large: { status: 413, retryable: false },
  file_too_small: { status: 422, retryable: false },
  content_type_not_allowed: { status: 415, retryable: false },
  too_many_files: { status: 422, retryable: false },
  part_invalid: { status: 422, retryable: false },
  size_mismatch: { status: 422, retryable: false },
  checksum_mismatch: { status: 422, retryable: false },
  content_type_mismatch: { status: 422, retryable: false },
  upload_rejected: { status: 422, retryable: false },
  rate_limited: { status: 429, retryable: true },
  internal_error: { status: 500, retryable: false },
  storage_rejected: { status: 502, retryable: false },
  callback_failed: { status: 503, retryable: true },
  storage_unavailable: { status: 503, retryable: true },
  ledger_unavailable: { status: 503, retryable: true },
  // what only a client sees
  aborted: { status: 0, retryable: false },
  network_error: { status: 0, retryable: true },
  timeout: { status: 0, retryable: true },
  source_unreadable: { status: 0, retryable: false },
  source_changed: { status: 0, retryable: false },
  cors_blocked: { status: 0, retryable: false },
  // what only a start-up sees
  config_invalid: { status: 0, retryable: false },
} as const;

export type ErrorCode = keyof typeof table;

export const errorTable: Readonly<Record<ErrorCode, { readonly status: number; readonly retryable: boolean }>> = table;

/** The error half of a response: `{"error": WireError}`. */
export interface WireError<Code extends ErrorCode = ErrorCode> {
  code: Code;
  /** For the person who uploads. The developer's text is `details.hint`. */
  message: string;
  retryable: boolean;
  details?: DetailsOf<Code>;
  requestId?: string;
}

export interface WaybillErrorOptions<Code extends ErrorCode = ErrorCode> {
  /** Facts by code, see `ErrorDetails`. Safe to show to the client: never a URL, a grant or a secret. */
  details?: DetailsOf<Code> | undefined;
  requestId?: string | undefined;
  /** For server logs only; never crosses the wire. */
  cause?: unknown;
  /** From a `Retry-After` header. */
  retryAfterSeconds?: number | undefined;
}

const brand = 'waybill.error';

/**
 * The one error class. Recognise it with {@link isWaybillError}, which also works across two copies of the package and
 * types `details` by `code`.
 *
 * @example throw new WaybillError('forbidden', 'Only members may upload here.', { details: { hint: 'role is guest' } })
 */
export class WaybillError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly details: DetailsOf<Code> | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** @internal */
  readonly [brand] = true;

  constructor(code: Code, message: string, options: WaybillErrorOptions<Code> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WaybillError';
    this.code = code;
    this.details = options.details;
    this.requestId = options.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** HTTP status of the code; 0 for codes that never travel. */
  get status(): number {
    return table[this.code].status;
  }

  get retryable(): boolean {
    return table[this.code].retryable;
  }

  toJSON(): WireError<Code> {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.requestId === undefined ? {} : { requestId: this.requestId }),
    };
  }
}

/** One member for each code, so that comparing `code` also types `details`. */
export type AnyWaybillError = { [Code in ErrorCode]: WaybillError<Code> }[ErrorCode];

/** @example if (isWaybillError(error) && error.code === 'file_too_large') show(error.details?.maxBytes) */
export function isWaybillError(value: unknown): value is AnyWaybillError {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)[brand] === true;
}

/** Narrows a string from the wire to a known code. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(table, value);
}
