import type { StorageCapabilities } from '../../s3/index.ts';

/**
 * Returns the strongest checksum that the storage verifies, or null. A CRC does not count, because a sender can make
 * other bytes with the same CRC.
 */
export function strongestChecksum({
  checksums,
  contentMd5,
}: Pick<StorageCapabilities, 'checksums' | 'contentMd5'>): 'sha256' | 'md5' | null {
  if (checksums.includes('sha256')) return 'sha256';
  return contentMd5 ? 'md5' : null;
}
