import type { ErrorCode, WaybillError } from '../protocol/index.ts';

/**
 * A WaybillError without the error table, which would be a tenth of the bundle: the wire says what is retryable, and
 * what only a client sees says it here. `status` is that of the answer, 0 without one.
 */
export function failure(code: ErrorCode, message: string, facts?: Partial<WaybillError>): WaybillError {
  const error = Object.assign(new Error(message), {
    'waybill.error': true,
    name: 'WaybillError',
    code,
    status: 0,
    retryable: /^(net|time)/.test(code),
    ...facts,
    toJSON: () => ({ ...error, message: error.message }),
  }) as unknown as WaybillError;
  return error;
}

export function isFailure(value: unknown): value is WaybillError {
  return !!(value as Record<string, unknown>)['waybill.error'];
}

/** A chunk of ours that does not arrive is the network's failure, and worth another try like any other. */
export function missing(cause: unknown): never {
  throw failure('network_error', 'The connection failed. Please try again.', { cause });
}

/** What is not ours is a bug, here or in a callback. */
export function toFailure(cause: unknown): WaybillError {
  return isFailure(cause)
    ? cause
    : failure('internal_error', 'Something went wrong. Please try again.', {
        cause,
        details: { hint: `${cause}` },
      });
}
