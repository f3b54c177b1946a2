/** Checks the values that a signature fixes, and converts them to headers or form fields. */
import { type Checksum, WaybillError } from '../protocol/index.ts';
import { checksumTable } from './checksums.ts';
import { secondsUntilExpiration } from './credentials.ts';
import { maxExpiresInSeconds } from './signature-parameters.ts';
import type { SigningTime } from './signing-time.ts';

/** S3 counts names and values of user metadata together, in bytes. */
const maxMetadataBytes = 2048;

/** Limits the expiry to that of the credentials. @throws WaybillError internal_error outside 1 to 604,800 seconds */
export function limitExpiry(signingTime: SigningTime, expiresInSeconds: number): number {
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > maxExpiresInSeconds)
    throw signingError(`expiresInSeconds must be a whole number from 1 to ${maxExpiresInSeconds}`);
  return Math.max(1, Math.min(expiresInSeconds, secondsUntilExpiration(signingTime.credentials, signingTime.ms)));
}

export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw signingError('size must be a whole number of bytes');
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export function checkPartNumber(partNumber: number): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > 10_000)
    throw signingError('partNumber must be 1 to 10,000');
}

export function checkContentType(contentType: string): void {
  if (!signableText.test(contentType)) throw signingError('contentType must be printable ASCII, and not empty');
}

/** Text that arrives as it was signed: no control characters, and no spaces that canonical headers collapse. */
const signableText = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** @throws WaybillError internal_error */
export function checkPrintable(name: string, value: string): string {
  if (!signableText.test(value)) throw signingError(`${name} must be printable ASCII without surplus spaces`);
  return value;
}

/**
 * Returns the header or form field of a checksum. @throws WaybillError config_invalid when the storage would not verify
 * it
 */
export function checksumHeaderName(
  { algorithm, value }: Checksum,
  verified: readonly string[],
  contentMd5: boolean,
): string {
  if (!(algorithm === 'md5' ? contentMd5 : verified.includes(algorithm)))
    throw new WaybillError('config_invalid', `This storage does not verify ${String(algorithm)} checksums here.`);
  const { header, pattern } = checksumTable[algorithm];
  if (!pattern.test(value)) throw signingError(`a ${algorithm} checksum is the base64 of its digest`);
  return header;
}

/** Returns `x-amz-meta-*` headers, sorted by name. @throws WaybillError internal_error */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): (readonly [string, string])[] {
  let bytes = 0;
  const headers = Object.entries(metadata).map(([name, value]) => {
    if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name))
      throw signingError('metadata names are lower-case letters, digits, "_", "." and "-"');
    bytes += name.length + value.length;
    return [`x-amz-meta-${name}`, checkPrintable('metadata', value)] as const;
  });
  if (bytes > maxMetadataBytes) throw signingError(`metadata has more than ${maxMetadataBytes} bytes`);
  return headers.length > 1 ? headers.sort(([a], [b]) => (a < b ? -1 : 1)) : headers;
}

function signingError(rule: string): WaybillError {
  return new WaybillError('internal_error', `Not signed: ${rule}.`);
}
