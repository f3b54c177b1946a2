import { type ErrorKind, errorTable, isWaybillError, WaybillError, type WireError } from '../../protocol/index.ts';
import { redact } from '../../s3/index.ts';
import { toWaybillError } from '../../s3/internal.ts';
import type { PlainResponse } from './plain-request.ts';

export function json(status: number, body: unknown, cacheControl = 'no-store'): PlainResponse {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': cacheControl,
      'x-content-type-options': 'nosniff',
    },
    body: JSON.stringify(body),
  };
}

/** Turns any thrown value into an error of the table. The message of an unknown error is not sent to the client. */
export function asWaybillError(error: unknown): WaybillError {
  const known = toWaybillError(error);
  if (isWaybillError(known) && known.status > 0) return known;
  return new WaybillError('internal_error', unavailable, {
    cause: error,
    details: { hint: 'The server, or a callback of the app, threw an error. The log of the server has it.' },
  });
}

/** The longest message that is sent or logged, in characters. */
export const maxMessage = 1000;

/** The message of errors that a user cannot correct. */
const unavailable = 'Uploads are not available right now.';
/** The messages of these errors are for the developer. */
const kindsForDeveloper: ReadonlySet<ErrorKind> = new Set(['internal', 'setup', 'unavailable']);

/**
 * The error as it is sent, with a redacted message. A message for the developer becomes the hint, unless there is a
 * hint: then the message was written for the user.
 */
export function wireError(error: WaybillError, requestId: string): WireError {
  const { code, retryable, details } = error;
  const message = redact(error.message, maxMessage);
  if (!kindsForDeveloper.has(errorTable[code].kind) || details?.hint !== undefined)
    return { code, message, retryable, ...(details === undefined ? {} : { details }), requestId };
  return { code, message: unavailable, retryable, details: { ...details, hint: message } as never, requestId };
}

/** The `Retry-After` header of an error that can be retried, by default one second. */
export function retryAfter(error: WaybillError): Record<string, string> {
  if (!error.retryable) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))) };
}
