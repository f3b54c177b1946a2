import { type ErrorCode, isWaybillError, WaybillError, type WireError } from '../../protocol/index.ts';
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

/** Anything thrown, as one of the table's errors. What is not ours is a bug or a callback's, and says nothing. */
export function asWaybillError(error: unknown): WaybillError {
  const known = toWaybillError(error);
  if (isWaybillError(known) && known.status > 0) return known;
  return new WaybillError('internal_error', unavailable, {
    cause: error,
    details: { hint: 'The server, or a callback of the app, threw an error. The log of the server has it.' },
  });
}

/** Characters of a message. */
export const maxMessage = 1000;

/** Nothing that a user could do differently. */
const unavailable = 'Uploads are not available right now.';
const hidden: ReadonlySet<ErrorCode> = new Set([
  'internal_error',
  'storage_rejected',
  'storage_unavailable',
  'ledger_unavailable',
]);

/**
 * What crosses the wire: the words of the app too pass the redaction. A message about the server itself is for its developer
 * and becomes the hint, unless there is one: then the message was written for both.
 */
export function wireError(error: WaybillError, requestId: string): WireError {
  const { code, retryable, details } = error;
  const message = redact(error.message, maxMessage);
  if (!hidden.has(code) || details?.hint !== undefined)
    return { code, message, retryable, ...(details === undefined ? {} : { details }), requestId };
  return { code, message: unavailable, retryable, details: { ...details, hint: message } as never, requestId };
}

/** @default 1 second, for what may work when tried again */
export function retryAfter(error: WaybillError): Record<string, string> {
  if (!error.retryable) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))) };
}
