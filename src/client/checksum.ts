import { type ChecksumAlgorithm, MiB } from '../protocol/index.ts';
import { failure } from './errors.ts';
import type { Source } from './types.ts';

/** WebCrypto wants all bytes at once: above this they are read piece by piece, so that memory stays flat. */
const wholeMaxBytes = 64 * MiB;

/**
 * Base64.
 * @throws WaybillError `source_unreadable`, `source_changed` (it became shorter), `internal_error` for an algorithm
 * that no client knows
 */
export async function checksumOf(source: Source, algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string> {
  return (
    (await source.checksum?.(algorithm, signal)) ??
    // Pages served over plain http, as from a laptop to a phone, have no crypto.subtle.
    (algorithm === 'sha256' && source.size <= wholeMaxBytes && globalThis.crypto?.subtle
      ? base64(await crypto.subtle.digest('SHA-256', await readRange(source, 0, source.size)))
      : (await import('./hash/index.ts')).digest(source, algorithm, signal))
  );
}

/** Exactly the bytes asked for. */
export async function readRange(source: Source, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(start, end).catch((cause) => {
    throw failure('source_unreadable', 'The file is unreadable', { cause });
  });
  if (bytes.length !== end - start) throw sourceChanged();
  return bytes;
}

export function sourceChanged() {
  return failure('source_changed', 'The file has changed');
}

export function base64(digest: ArrayBufferLike): string {
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}
