/**
 * The checksums that the devstore computes and verifies, under the names that S3 uses in XML, and the headers by which
 * a request chooses one. s3/checksums.ts is the table of `s3Storage()`, which only sends and reads checksums.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Crc, crc32c, crc64nvme } from './crc.ts';
import { invalidRequest, notImplementedHeader, StoreError } from './errors.ts';

export type Algorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'MD5' | 'SHA1' | 'SHA256' | 'SHA512';
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface ObjectChecksum {
  algorithm: Algorithm;
  /** Base64. A composite checksum ends with `-` and the number of parts. */
  value: string;
  type: ChecksumType;
}

/** A checksum that is computed incrementally. */
export interface Digest {
  update(data: Uint8Array): void;
  /** Base64. Call it once. */
  digest(): string;
}

interface AlgorithmInfo {
  bytes: number;
  /** The types that a multipart upload may use. The first is the default. */
  types: readonly ChecksumType[];
  create(): Digest;
}

export const algorithms: Readonly<Record<Algorithm, AlgorithmInfo>> = {
  CRC32: { bytes: 4, types: ['COMPOSITE', 'FULL_OBJECT'], create: crc32Digest },
  CRC32C: { bytes: 4, types: ['COMPOSITE', 'FULL_OBJECT'], create: () => crcDigest(crc32c, 4) },
  CRC64NVME: { bytes: 8, types: ['FULL_OBJECT'], create: () => crcDigest(crc64nvme, 8) },
  MD5: { bytes: 16, types: ['COMPOSITE'], create: () => hashDigest('md5') },
  SHA1: { bytes: 20, types: ['COMPOSITE'], create: () => hashDigest('sha1') },
  SHA256: { bytes: 32, types: ['COMPOSITE'], create: () => hashDigest('sha256') },
  SHA512: { bytes: 64, types: ['COMPOSITE'], create: () => hashDigest('sha512') },
};

/** AWS supports these as well; see gaps.ts. */
const unsupported: ReadonlySet<string> = new Set(['XXHASH64', 'XXHASH3', 'XXHASH128']);

export const algorithmNames = Object.keys(algorithms) as readonly Algorithm[];

/** The checksum that S3 computes when a request contains none. */
export const defaultAlgorithm: Algorithm = 'CRC64NVME';

export function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(algorithms, name);
}

export function checksumHeaderName(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element of responses and of CompleteMultipartUpload. */
export function checksumElementName(algorithm: Algorithm): string {
  return `Checksum${algorithm}`;
}

function hashDigest(name: string): Digest {
  const hash = createHash(name);
  return { update: (data) => void hash.update(data), digest: () => hash.digest('base64') };
}

function crc32Digest(): Digest {
  let crc = 0;
  return {
    update(data) {
      crc = crc32(data, crc);
    },
    digest: () => encodeCrc(BigInt(crc), 4),
  };
}

function crcDigest(step: Crc, bytes: 4 | 8): Digest {
  let crc = 0n;
  return {
    update(data) {
      crc = step(data, crc);
    },
    digest: () => encodeCrc(crc, bytes),
  };
}

function encodeCrc(crc: bigint, bytes: 4 | 8): string {
  return Buffer.from(crc.toString(16).padStart(2 * bytes, '0'), 'hex').toString('base64');
}

/** Whether `value` is the canonical base64 of exactly this number of bytes. */
export function isBase64Of(value: string, bytes: number): boolean {
  return Buffer.from(value, 'base64').length === bytes && Buffer.from(value, 'base64').toString('base64') === value;
}

export interface ChecksumRequest {
  algorithm: Algorithm;
  /** Undefined when it is in the trailer. */
  expected: string | undefined;
  /** Whether the checksum follows the body. */
  inTrailer: boolean;
}

const checksumPrefix = 'x-amz-checksum-';
/** Headers with this prefix that are not checksums. */
const nonChecksumHeaders: ReadonlySet<string> = new Set([
  `${checksumPrefix}algorithm`,
  `${checksumPrefix}type`,
  `${checksumPrefix}mode`,
]);

/**
 * Reads the checksum of an upload from its headers (lower-case names) or from the fields of a form.
 * @throws StoreError InvalidRequest, with the messages of AWS
 */
export function readChecksumRequest(headers: ReadonlyMap<string, string>): ChecksumRequest | undefined {
  const named = [...headers.keys()].filter((name) => name.startsWith(checksumPrefix) && !nonChecksumHeaders.has(name));
  const trailer = headers.get('x-amz-trailer')?.trim().toLowerCase();
  if (trailer !== undefined) named.push(...trailer.split(',').map((name) => name.trim()));
  if (named.length > 1)
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  const sdkDeclared = readAlgorithm(headers, 'x-amz-sdk-checksum-algorithm');
  const declared = sdkDeclared ?? parseKnownAlgorithm(headers.get('x-amz-checksum-algorithm'));
  const [header] = named;
  if (header === undefined) {
    if (sdkDeclared !== undefined)
      throw invalidRequest(
        'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer ' +
          'headers were found.',
      );
    return undefined;
  }
  const algorithm = header.slice(checksumPrefix.length).toUpperCase();
  if (!header.startsWith(checksumPrefix) || !isAlgorithm(algorithm)) {
    if (trailer !== undefined && header === trailer)
      throw invalidRequest('The value specified in the x-amz-trailer header is not supported');
    throw new StoreError('NotImplemented', { details: { Header: header } });
  }
  if (declared !== undefined && declared !== algorithm)
    throw invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.');
  if (trailer !== undefined) return { algorithm, expected: undefined, inTrailer: true };
  return { algorithm, expected: checkChecksumValue(algorithm, headers.get(header) ?? ''), inTrailer: false };
}

export function checkChecksumValue(algorithm: Algorithm, value: string): string {
  if (!isBase64Of(value, algorithms[algorithm].bytes))
    throw invalidRequest(`Value for ${checksumHeaderName(algorithm)} header is invalid.`);
  return value;
}

/** Parses the header for PutObject and UploadPart, for which S3 does not define it and ignores an unknown value. */
export function parseKnownAlgorithm(value: string | undefined): Algorithm | undefined {
  const name = value?.toUpperCase();
  return name !== undefined && isAlgorithm(name) ? name : undefined;
}

/** Reads a header that names an algorithm. @throws StoreError InvalidRequest, NotImplemented */
export function readAlgorithm(headers: ReadonlyMap<string, string>, name: string): Algorithm | undefined {
  const value = headers.get(name)?.toUpperCase();
  if (value === undefined || isAlgorithm(value)) return value;
  if (unsupported.has(value)) throw notImplementedHeader(name, `The checksum algorithm ${value} is not implemented`);
  throw invalidRequest(
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: ' +
      `[${[...algorithmNames].sort().join(', ')}]`,
  );
}

export function checksumMismatch(algorithm: Algorithm): StoreError {
  return new StoreError('BadDigest', {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}

export function checksumHeaders(checksum: ObjectChecksum | undefined): Record<string, string> {
  if (!checksum) return {};
  return { [checksumHeaderName(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

export function checksumElements(checksum: ObjectChecksum | undefined): Record<string, string> {
  if (!checksum) return {};
  return { [checksumElementName(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type };
}
