/**
 * The checksums that `s3Storage()` signs, sends and reads: the header or form field that carries each, its element in
 * XML, and the base64 pattern of its value. This file computes none; devstore/checksums.ts does, for the store that
 * verifies them. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 *
 * A route uses only sha256 or md5 (server/grants/strongest-checksum.ts). The others are in the table because a storage
 * may return them for objects and parts, and because `capabilities` names them.
 */
import type { S3ChecksumAlgorithm } from './options.ts';

export const checksumTable = {
  md5: { header: 'content-md5', element: null, pattern: /^[A-Za-z0-9+/]{22}==$/ },
  sha1: { header: 'x-amz-checksum-sha1', element: 'ChecksumSHA1', pattern: /^[A-Za-z0-9+/]{27}=$/ },
  sha256: { header: 'x-amz-checksum-sha256', element: 'ChecksumSHA256', pattern: /^[A-Za-z0-9+/]{43}=$/ },
  crc32: { header: 'x-amz-checksum-crc32', element: 'ChecksumCRC32', pattern: /^[A-Za-z0-9+/]{6}==$/ },
  crc32c: { header: 'x-amz-checksum-crc32c', element: 'ChecksumCRC32C', pattern: /^[A-Za-z0-9+/]{6}==$/ },
  crc64nvme: { header: 'x-amz-checksum-crc64nvme', element: 'ChecksumCRC64NVME', pattern: /^[A-Za-z0-9+/]{11}=$/ },
} as const;

/**
 * The algorithms that have an `x-amz-checksum-*` header. MD5 is not one of them: it is sent as `Content-MD5`, which S3
 * does not return, and the capability `contentMd5` says whether a storage verifies it.
 */
export const checksumAlgorithms: readonly S3ChecksumAlgorithm[] = ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'];
