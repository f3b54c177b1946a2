import type { ChecksumAlgorithm } from '../protocol/index.ts';
import { failure, throwNetworkError } from './errors.ts';
import type { Source } from './types.ts';

/**
 * WebCrypto needs all bytes at once. Larger sources are read piece by piece, so that memory does not depend on their
 * size.
 */
const webCryptoMaxBytes = 64 * 1024 * 1024;

/** Computes a digest as base64 outside of the page's own thread. Undefined where that would not be faster. */
export type HashBlob = (blob: Blob | undefined, algorithm: ChecksumAlgorithm) => Promise<string | undefined>;

/**
 * Computes the checksum of a source as base64.
 * @throws WaybillError `source_unreadable`, `source_changed` (it became shorter), `internal_error` for an algorithm
 * that clients do not know
 */
export async function checksumOf(
  source: Source,
  algorithm: ChecksumAlgorithm,
  signal: AbortSignal,
  hashBlob?: HashBlob,
): Promise<string> {
  const read = (start: number, end: number) => readRange(source, start, end);
  const { size } = source;
  const given = (await source.checksum?.(algorithm, signal)) || (await hashBlob?.(source.blob, algorithm));
  if (given) return given;
  const digest =
    // Pages served over plain http, as from a laptop to a phone, have no crypto.subtle.
    algorithm === 'sha256' && size <= webCryptoMaxBytes && globalThis.crypto?.subtle
      ? await crypto.subtle.digest('SHA-256', await read(0, size))
      : await (await import('./hash/index.ts').catch(throwNetworkError)).digest(algorithm, size, read, signal);
  if (!digest)
    throw failure('internal_error', 'Something went wrong. Please try again.', { details: { hint: algorithm } });
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** Reads a range. @throws WaybillError `source_unreadable`, `source_changed` when there are fewer bytes */
export async function readRange(source: Source, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(start, end).catch((cause) => {
    throw failure('source_unreadable', 'This file cannot be read. It may have changed or moved.', { cause });
  });
  if (bytes.length !== end - start) throw failure('source_changed', 'This file has changed since it was chosen.');
  return bytes as Uint8Array<ArrayBuffer>;
}
