/** Computes every digest of a body in the same pass that stores it. */
import { createHash, hash } from 'node:crypto';
import { type Algorithm, algorithms, checksumMismatch, isBase64Of } from './checksums.ts';
import { StoreError } from './errors.ts';

export interface Digests {
  readonly size: number;
  update(data: Uint8Array): void;
  finish(): DigestResult;
}

export interface DigestResult {
  size: number;
  /** Hex: the MD5, or an opaque value when the MD5 is not computed. */
  etag: string;
  /** Hex, when it was computed. */
  md5: string | undefined;
  /** Hex, when it was computed. */
  sha256: string | undefined;
  /** Base64. */
  checksum: string;
}

export function createDigests(algorithm: Algorithm, options: { md5: boolean; sha256?: boolean }): Digests {
  const md5 = options.md5 ? createHash('md5') : undefined;
  // With this algorithm the payload hash and the checksum are the same digest, which is then computed once.
  const isShared = algorithm === 'SHA256';
  const sha256 = options.sha256 && !isShared ? createHash('sha256') : undefined;
  const checksum = algorithms[algorithm].create();
  let size = 0;
  return {
    get size() {
      return size;
    },
    update(data) {
      size += data.length;
      md5?.update(data);
      sha256?.update(data);
      checksum.update(data);
    },
    finish() {
      const value = checksum.digest();
      const hex = isShared && options.sha256 ? Buffer.from(value, 'base64').toString('hex') : sha256?.digest('hex');
      const md5Hex = md5?.digest('hex');
      return { size, etag: md5Hex ?? createOpaqueEtag(value), md5: md5Hex, sha256: hex, checksum: value };
    },
  };
}

/** Returns 32 hex digits that are not the MD5 of the bytes. */
export function createOpaqueEtag(of: string): string {
  return hash('md5', `not the bytes, but ${of}`);
}

/** The digests that a request states for its body. */
export interface ExpectedDigests {
  algorithm: Algorithm;
  /** Base64. */
  checksum?: string | undefined;
  /** Base64 MD5. */
  contentMd5?: string | undefined;
  /** Hex. */
  sha256?: string | undefined;
}

/** @throws StoreError InvalidDigest when the value is not the base64 of 16 bytes */
export function readContentMd5(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!isBase64Of(value, 16)) throw new StoreError('InvalidDigest', { details: { 'Content-MD5': value } });
  return value;
}

/** @throws StoreError BadDigest, XAmzContentSHA256Mismatch */
export function checkDigests(expected: ExpectedDigests, actual: DigestResult): void {
  if (expected.sha256 !== undefined && expected.sha256 !== actual.sha256)
    throw new StoreError('XAmzContentSHA256Mismatch', {
      details: {
        ClientComputedContentSHA256: expected.sha256,
        S3ComputedContentSHA256: actual.sha256 ?? '',
      },
    });
  if (expected.contentMd5 !== undefined) {
    const calculated = Buffer.from(actual.md5 ?? '', 'hex').toString('base64');
    if (calculated !== expected.contentMd5)
      throw new StoreError('BadDigest', {
        details: { ExpectedDigest: expected.contentMd5, CalculatedDigest: calculated },
      });
  }
  if (expected.checksum !== undefined && expected.checksum !== actual.checksum)
    throw checksumMismatch(expected.algorithm);
}
