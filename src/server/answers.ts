import { isWaybillError, WaybillError, type WireError } from '../protocol/index.ts';
import { redact } from '../s3/redact.ts';
import { toWaybillError } from '../s3/s3-error.ts';
import type { PlainResponse } from './plain.ts';

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

/** Anything thrown, as one of the table's errors. What is not ours is a bug or a callback's, and says nothing. */
export function asWaybillError(error: unknown): WaybillError {
  const known = toWaybillError(error);
  if (isWaybillError(known) && known.status > 0) return known;
  return new WaybillError('internal_error', 'The server could not handle this request.', { cause: error });
}

/** Characters of a message. */
export const maxMessage = 1000;

/** What crosses the wire: the app's own words too pass the redaction. */
export function wireError(error: WaybillError, requestId: string): WireError {
  const { code, message, retryable, details } = error;
  return {
    code,
    message: redact(message, maxMessage),
    retryable,
    ...(details === undefined ? {} : { details }),
    requestId,
  };
}

/** @default 1 second, for what may work when tried again */
export function retryAfter(error: WaybillError): Record<string, string> {
  if (!error.retryable) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))) };
}
