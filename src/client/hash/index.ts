/**
 * hash: digests in constant memory, for what WebCrypto cannot do: MD5, files too large to hold, pages without
 * `crypto.subtle`. Loaded only when needed.
 */
import { type ChecksumAlgorithm, MiB } from '../../protocol/index.ts';
import { base64, readRange } from '../checksum.ts';
import { failure } from '../errors.ts';
import type { Source } from '../types.ts';
import { createMd5 } from './md5.ts';
import { createSha256 } from './sha256.ts';

const hashes = new Map([
  ['sha256', createSha256],
  ['md5', createMd5],
]);

/** Small enough that no turn of the page's event loop is held up for more than a few milliseconds. */
const stepBytes = MiB;

/** @throws WaybillError `internal_error` for any other algorithm */
export async function digest(source: Source, algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string> {
  const hash = hashes.get(algorithm)?.();
  if (!hash) throw failure('internal_error', `This client cannot compute ${algorithm} checksums.`);
  for (let start = 0; start < source.size; start += stepBytes) {
    signal.throwIfAborted();
    hash.update(await readRange(source, start, Math.min(start + stepBytes, source.size)));
  }
  return base64(hash.digest().buffer as ArrayBuffer);
}
