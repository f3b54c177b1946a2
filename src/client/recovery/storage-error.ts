/** Turns an answer of the storage that reports a failure into a WaybillError. */
import type { WaybillError } from '../../protocol/index.ts';
import type { HashedSource } from '../context.ts';
import type { Tools } from '../tools.ts';
import type { TransportResponse } from '../types.ts';

/**
 * The bytes that arrived are not those that were declared:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const mismatchCodes: ReadonlySet<string> = new Set([
  'BadDigest',
  'InvalidDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
]);
/** Codes that may come with a 4xx status, although the same request can succeed later. */
const temporaryCodes: ReadonlySet<string> = new Set(['RequestTimeout', 'IncompleteBody', 'SlowDown']);

/**
 * Returns `storage_unavailable` when the same request can succeed later, and otherwise `storage_rejected`.
 * @throws WaybillError `source_changed`
 */
export async function storageError(
  tools: Tools,
  { status, text, header }: TransportResponse,
  bytes: HashedSource,
  signal: AbortSignal,
): Promise<WaybillError> {
  const storageCode = /<Code>(\w+)/.exec(text)?.[1] ?? '';
  const isMismatch = mismatchCodes.has(storageCode);
  if (isMismatch) await verifySource(tools, bytes, signal);
  const retryable = isMismatch || status >= 500 || [408, 409, 429].includes(status) || temporaryCodes.has(storageCode);
  return tools.failure(
    retryable ? 'storage_unavailable' : 'storage_rejected',
    retryable ? 'The storage is busy. Please try again.' : 'Uploads are not available right now.',
    {
      status,
      details: {
        hint: `The storage answered with HTTP ${status} ${storageCode}.`,
        ...(storageCode && { storageCode }),
      },
      retryable,
      retryAfterSeconds: tools.retryAfter(header),
    },
  );
}

/** @throws WaybillError `source_changed` when the bytes are no longer those that were declared */
export async function verifySource(
  { checksumOf, failure }: Tools,
  { source, algorithm, checksum }: HashedSource,
  signal: AbortSignal,
): Promise<void> {
  if (algorithm && checksum && checksum !== (await checksumOf(source, algorithm, signal)))
    throw failure('source_changed', 'This file has changed since it was chosen.');
}
