/** The facts that a signature can bind, checked before they are signed, and spelled as headers or form fields. */
import { type Checksum, WaybillError } from '../protocol/index.ts';
import { maxExpiresInSeconds } from './claims.ts';
import { secondsUntil } from './credentials.ts';
import type { Moment } from './moment.ts';

/** S3 counts names and values of user metadata together, in bytes. */
const maxMetadataBytes = 2048;

/** `shape`: the base64 of 16, 20, 32, 4, 4 and 8 bytes. */
const checksumTable = {
  md5: { name: 'content-md5', shape: /^[A-Za-z0-9+/]{22}==$/ },
  sha1: { name: 'x-amz-checksum-sha1', shape: /^[A-Za-z0-9+/]{27}=$/ },
  sha256: { name: 'x-amz-checksum-sha256', shape: /^[A-Za-z0-9+/]{43}=$/ },
  crc32: { name: 'x-amz-checksum-crc32', shape: /^[A-Za-z0-9+/]{6}==$/ },
  crc32c: { name: 'x-amz-checksum-crc32c', shape: /^[A-Za-z0-9+/]{6}==$/ },
  crc64nvme: { name: 'x-amz-checksum-crc64nvme', shape: /^[A-Za-z0-9+/]{11}=$/ },
} as const;

/** Not longer than the credentials live. @throws WaybillError internal_error outside 1 to 604,800 seconds */
export function expiresFor(moment: Moment, expiresInSeconds: number): number {
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > maxExpiresInSeconds)
    throw misuse(`expiresInSeconds must be a whole number from 1 to ${maxExpiresInSeconds}`);
  return Math.max(1, Math.min(expiresInSeconds, secondsUntil(moment.credentials, moment.ms)));
}

export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw misuse('size must be a whole number of bytes');
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export function checkPartNumber(partNumber: number): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > 10_000)
    throw misuse('partNumber must be 1 to 10,000');
}

export function checkContentType(contentType: string): void {
  if (!arrivesAsSigned.test(contentType)) throw misuse('contentType must be printable ASCII, and not empty');
}

/** No control characters, and no spaces that a canonical form would fold. */
const arrivesAsSigned = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** @throws WaybillError internal_error */
export function printable(name: string, value: string): string {
  if (!arrivesAsSigned.test(value)) throw misuse(`${name} must be printable ASCII without surplus spaces`);
  return value;
}

/** The header or form field that binds it. @throws WaybillError config_invalid when the storage would not verify it */
export function checksumHeader(
  { algorithm, value }: Checksum,
  verified: readonly string[],
  contentMd5: boolean,
): string {
  if (!(algorithm === 'md5' ? contentMd5 : verified.includes(algorithm)))
    throw new WaybillError('config_invalid', `This storage does not verify ${String(algorithm)} checksums here.`);
  const { name, shape } = checksumTable[algorithm];
  if (!shape.test(value)) throw misuse(`a ${algorithm} checksum is the base64 of its digest`);
  return name;
}

/** As `x-amz-meta-*`, sorted. @throws WaybillError internal_error */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): (readonly [string, string])[] {
  let bytes = 0;
  const headers = Object.entries(metadata).map(([name, value]) => {
    if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name))
      throw misuse('metadata names are lower-case letters, digits, "_", "." and "-"');
    bytes += name.length + value.length;
    return [`x-amz-meta-${name}`, printable('metadata', value)] as const;
  });
  if (bytes > maxMetadataBytes) throw misuse(`metadata has more than ${maxMetadataBytes} bytes`);
  return headers.length > 1 ? headers.sort(([a], [b]) => (a < b ? -1 : 1)) : headers;
}

function misuse(rule: string): WaybillError {
  return new WaybillError('internal_error', `Not signed: ${rule}.`);
}
