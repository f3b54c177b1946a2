import type { ChecksumAlgorithm } from '../protocol/index.ts';
import { failure, missing } from './errors.ts';
import type { Source } from './types.ts';

/** WebCrypto wants all bytes at once: above this they are read piece by piece, so that memory stays flat. */
const wholeMaxBytes = 64 * 1024 * 1024;

/** Off the page's own thread; undefined where that is of no use. */
export type Elsewhere = (blob: Blob | undefined, algorithm: ChecksumAlgorithm) => Promise<string | undefined>;

/**
 * Base64.
 * @throws WaybillError `source_unreadable`, `source_changed` (it became shorter), `internal_error` for an algorithm
 * that no client knows
 */
export async function checksumOf(
  source: Source,
  algorithm: ChecksumAlgorithm,
  signal: AbortSignal,
  elsewhere?: Elsewhere,
): Promise<string> {
  const read = (start: number, end: number) => readRange(source, start, end);
  const { size } = source;
  const given = (await source.checksum?.(algorithm, signal)) || (await elsewhere?.(source.blob, algorithm));
  if (given) return given;
  const digest =
    // Pages served over plain http, as from a laptop to a phone, have no crypto.subtle.
    algorithm === 'sha256' && size <= wholeMaxBytes && globalThis.crypto?.subtle
      ? await crypto.subtle.digest('SHA-256', await read(0, size))
      : await (await import('./hash/index.ts').catch(missing)).digest(algorithm, size, read, signal);
  if (!digest)
    throw failure('internal_error', 'Something went wrong. Please try again.', { details: { hint: algorithm } });
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** Exactly the bytes asked for. */
export async function readRange(source: Source, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(start, end).catch((cause) => {
    throw failure('source_unreadable', 'This file cannot be read. It may have changed or moved.', { cause });
  });
  if (bytes.length !== end - start) throw failure('source_changed', 'This file has changed since it was chosen.');
  return bytes as Uint8Array<ArrayBuffer>;
}
