import type { ErrorCode, WaybillError } from '../protocol/index.ts';

/**
 * A WaybillError without the error table, which would be a tenth of the bundle: a server's answer says whether it is
 * retryable, and of the codes that only a client gives, two are. `status` is that of the answer; 0 without an answer.
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

/** For a module that could not be loaded: another attempt may succeed. */
export function missing(cause: unknown): never {
  throw failure('network_error', 'The connection failed. Please try again.', { cause });
}

/** An error that is not a WaybillError is a bug, here or in a callback. */
export function toFailure(cause: unknown): WaybillError {
  return isFailure(cause)
    ? cause
    : failure('internal_error', 'Something went wrong. Please try again.', {
        cause,
        details: { hint: `${cause}` },
      });
}
