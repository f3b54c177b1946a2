/**
 * hash: computes digests in constant memory, where WebCrypto cannot: MD5, files that are too large for the memory,
 * pages without `crypto.subtle`. It is loaded only when needed, and imports no code of the client, so that a page's
 * bundle stays in one piece.
 */
import { createMd5 } from './md5.ts';
import { createSha256 } from './sha256.ts';

const hashes = new Map([
  ['sha256', createSha256],
  ['md5', createMd5],
]);

/** Bytes that are hashed at a time: few enough to block the page's event loop for only a few milliseconds. */
const stepBytes = 1024 * 1024;

/** @returns undefined for an algorithm that is not in `hashes` */
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
