import type { StorageCapabilities } from '../../s3/index.ts';

/** Null when the storage verifies neither. A CRC does not count, because a sender can forge one. */
export function strongestChecksum({
  checksums,
  contentMd5,
}: Pick<StorageCapabilities, 'checksums' | 'contentMd5'>): 'sha256' | 'md5' | null {
  if (checksums.includes('sha256')) return 'sha256';
  return contentMd5 ? 'md5' : null;
}
