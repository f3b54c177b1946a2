import type { ErrorCode, WaybillError } from '../protocol/index.ts';

/**
 * Creates a WaybillError without the error table, which would be a tenth of the bundle. A server's answer says whether
 * the error is retryable. Of the codes that only a client gives, two are retryable. `status` is the HTTP status of the
 * answer, and 0 without an answer.
 */
export function failure(code: ErrorCode, message: string, facts?: Partial<WaybillError>): WaybillError {
  const error = Object.assign(new Error(message), {
    'waybill.error': true,
    name: 'WaybillError',
    code,
    status: 0,
    retryable: code === 'network_error' || code === 'timeout',
    ...facts,
    toJSON: () => ({ ...error, message: error.message }),
  }) as unknown as WaybillError;
  return error;
}

export function isFailure(value: unknown): value is WaybillError {
  return !!(value as Record<string, unknown>)['waybill.error'];
}

/**
 * For a module that could not be loaded, and in put.ts for a request without a readable answer. Another attempt may
 * succeed.
 */
export function throwNetworkError(cause: unknown): never {
  throw failure('network_error', 'The connection failed. Please try again.', { cause });
}

/** Wraps an error that is not a WaybillError: it is a bug in the client or in a function that the app passed. */
export function toFailure(cause: unknown): WaybillError {
  return isFailure(cause)
    ? cause
    : failure('internal_error', 'Something went wrong. Please try again.', {
        cause,
        details: { hint: `${cause}` },
      });
}
