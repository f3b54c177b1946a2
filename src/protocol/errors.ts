import type { DetailsOf } from './error-details.ts';

/**
 * What an error means for its receiver. Client and server decide by the kind; only what concerns a single code
 * decides by the code.
 */
export type ErrorKind =
  /** The request breaks the protocol: its sender has a bug or is of another version. */
  | 'request'
  /** The user has to sign in, or is not allowed to do this. Sent bytes are kept, and the upload can continue later. */
  | 'auth'
  /** The files, or a part of one, are not what the route, the quota or the plan of parts allows. */
  | 'limit'
  /** The stored bytes are not what was declared, or the app rejected them. They were deleted. */
  | 'content'
  /** The upload or its grant has ended. Start a new upload. */
  | 'ended'
  /** The request is correct but cannot be served yet. Send it again later. */
  | 'pending'
  /** The storage, the database or the server is overloaded or down. Try again, with fewer requests at once. */
  | 'unavailable'
  /** No answer was received. */
  | 'network'
  /** The client cannot read the file, or the file has changed. */
  | 'source'
  /** The storage, its CORS rules or an option is set up wrongly. Only the operator can correct it. */
  | 'setup'
  /** A bug in Waybill or in a callback of the app. */
  | 'internal'
  /** The user or the program stopped the upload. */
  | 'aborted';

interface ErrorFacts {
  /** HTTP status; 0 for codes that are never sent over HTTP. */
  readonly status: number;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  readonly kind: ErrorKind;
}

/**
 * Every error of Waybill in one table. Status, `retryable` and `kind` derive from the code: no call site chooses a
 * status, and a client never infers a code from a status.
 */
const table = {
  // Codes that a server answers.
  invalid_request: { status: 400, retryable: false, kind: 'request' },
  unauthenticated: { status: 401, retryable: false, kind: 'auth' },
  forbidden: { status: 403, retryable: false, kind: 'auth' },
  grant_invalid: { status: 403, retryable: false, kind: 'ended' },
  quota_exceeded: { status: 403, retryable: false, kind: 'limit' },
  route_not_found: { status: 404, retryable: false, kind: 'request' },
  upload_not_found: { status: 404, retryable: false, kind: 'ended' },
  method_not_allowed: { status: 405, retryable: false, kind: 'request' },
  upload_conflict: { status: 409, retryable: false, kind: 'ended' },
  object_not_ready: { status: 409, retryable: true, kind: 'pending' },
  upload_expired: { status: 410, retryable: false, kind: 'ended' },
  request_too_large: { status: 413, retryable: false, kind: 'request' },
  file_too_large: { status: 413, retryable: false, kind: 'limit' },
  file_too_small: { status: 422, retryable: false, kind: 'limit' },
  content_type_not_allowed: { status: 415, retryable: false, kind: 'limit' },
  too_many_files: { status: 422, retryable: false, kind: 'limit' },
  part_invalid: { status: 422, retryable: false, kind: 'limit' },
  size_mismatch: { status: 422, retryable: false, kind: 'content' },
  checksum_mismatch: { status: 422, retryable: false, kind: 'content' },
  content_type_mismatch: { status: 422, retryable: false, kind: 'content' },
  upload_rejected: { status: 422, retryable: false, kind: 'content' },
  rate_limited: { status: 429, retryable: true, kind: 'pending' },
  internal_error: { status: 500, retryable: false, kind: 'internal' },
  storage_rejected: { status: 502, retryable: false, kind: 'setup' },
  callback_failed: { status: 503, retryable: true, kind: 'pending' },
  storage_unavailable: { status: 503, retryable: true, kind: 'unavailable' },
  ledger_unavailable: { status: 503, retryable: true, kind: 'unavailable' },
  // Codes that exist in a client only.
  aborted: { status: 0, retryable: false, kind: 'aborted' },
  network_error: { status: 0, retryable: true, kind: 'network' },
  timeout: { status: 0, retryable: true, kind: 'unavailable' },
  source_unreadable: { status: 0, retryable: false, kind: 'source' },
  source_changed: { status: 0, retryable: false, kind: 'source' },
  cors_blocked: { status: 0, retryable: false, kind: 'setup' },
  // Codes that exist at start-up only.
  config_invalid: { status: 0, retryable: false, kind: 'setup' },
} as const satisfies Readonly<Record<string, ErrorFacts>>;

export type ErrorCode = keyof typeof table;

export type KindOf<Code extends ErrorCode> = (typeof table)[Code]['kind'];

/** The codes of a kind, as a type. */
export type CodeOfKind<Kind extends ErrorKind> = {
  [Code in ErrorCode]: KindOf<Code> extends Kind ? Code : never;
}[ErrorCode];

export const errorTable: Readonly<Record<ErrorCode, ErrorFacts>> = table;

/** The error half of a response: `{"error": WireError}`. */
export interface WireError<Code extends ErrorCode = ErrorCode> {
  code: Code;
  /** For the user. The text for the developer is `details.hint`. */
  message: string;
  retryable: boolean;
  details?: DetailsOf<Code>;
  requestId?: string;
}

export interface WaybillErrorOptions<Code extends ErrorCode = ErrorCode> {
  /** The fields of this code, see `ErrorDetails`. They are sent to the client: never a URL, a grant or a secret. */
  details?: DetailsOf<Code> | undefined;
  requestId?: string | undefined;
  /** For the logs of the server. It is never sent. */
  cause?: unknown;
  /** Sent as, or received from, the `Retry-After` header. */
  retryAfterSeconds?: number | undefined;
}

const brand = 'waybill.error';

/**
 * The error class of Waybill. Recognise it with {@link isWaybillError}, which also works across two copies of the
 * package and types `details` by `code`.
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

  /** The HTTP status of the code; 0 for codes that are never sent over HTTP. */
  get status(): number {
    return table[this.code].status;
  }

  /** Ignored, because the status follows from the code. Koa assigns the status that it sends, which must not throw. */
  set status(_status: number) {}

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

/** A union with a member for each code, so that comparing `code` also types `details`. */
export type AnyWaybillError = { [Code in ErrorCode]: WaybillError<Code> }[ErrorCode];

/** @example if (isWaybillError(error) && error.code === 'file_too_large') show(error.details?.maxBytes) */
export function isWaybillError(value: unknown): value is AnyWaybillError {
  return typeof value === 'object' && value !== null && (value as Record<string, unknown>)[brand] === true;
}

/** Whether a value from the wire is an error code. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(table, value);
}
