/**
 * hash: digests in constant memory, for what WebCrypto cannot do: MD5, files too large to hold, pages without
 * `crypto.subtle`. Loaded only when needed; it imports nothing of the client, so that a page's bundle stays in one piece.
 */
import { createMd5 } from './md5.ts';
import { createSha256 } from './sha256.ts';

const hashes = new Map([
  ['sha256', createSha256],
  ['md5', createMd5],
]);

/** Small enough that no turn of the page's event loop is held up for more than a few milliseconds. */
const stepBytes = 1024 * 1024;

/** Undefined for any other algorithm. */
export async function digest(
  algorithm: string,
  size: number,
  read: (start: number, end: number) => Promise<Uint8Array>,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const hash = hashes.get(algorithm)?.();
  for (let start = 0; hash && start < size; start += stepBytes) {
    signal.throwIfAborted();
    hash.update(await read(start, Math.min(start + stepBytes, size)));
  }
  return hash?.digest();
}
