/** The checksums of an upload's parts. They are kept, so that a part that is sent again is not hashed again. */
import type { ChecksumAlgorithm } from '../../protocol/index.ts';
import type { ClientContext } from '../context.ts';
import type { Tools } from '../tools.ts';
import type { Part } from './file-parts.ts';

export interface PartChecksums {
  readonly algorithm: ChecksumAlgorithm | null;
  /** Base64; undefined where the route asks for no checksums. */
  of(part: Part, signal: AbortSignal): Promise<string | undefined>;
  /** Forgets the checksums of parts of another size. */
  setPartSize(partSize: number): void;
  clear(): void;
  /** Computes the checksum of the whole object as S3 does: the digest of the digests of its parts. */
  composite(checksums: readonly string[], signal: AbortSignal): Promise<string>;
}

/** @param size of the whole file, because smaller files are hashed first */
export function createPartChecksums(
  { checksumOf }: Tools,
  context: ClientContext,
  algorithm: ChecksumAlgorithm | null,
  size: number,
): PartChecksums {
  const known = new Map<number, Promise<string>>();
  let knownPartSize: number | undefined;
  return {
    algorithm,
    async of({ partNumber, source }, signal) {
      if (!algorithm) return undefined;
      let checksum = known.get(partNumber);
      if (!checksum) {
        checksum = context.hashPool(size, signal, () => checksumOf(source, algorithm, signal, context.hashBlob));
        known.set(partNumber, checksum);
        checksum.catch(() => known.delete(partNumber));
      }
      return checksum;
    },
    setPartSize(partSize) {
      if (knownPartSize !== partSize) known.clear();
      knownPartSize = partSize;
    },
    clear: () => known.clear(),
    composite(checksums, signal) {
      const bytes = Uint8Array.from(checksums.map(atob).join(''), (character) => character.charCodeAt(0));
      const read = async (start: number, end: number) => bytes.slice(start, end);
      return checksumOf({ size: bytes.length, fileName: '', read }, algorithm as ChecksumAlgorithm, signal);
    },
  };
}
