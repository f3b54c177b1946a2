/** The facts that a signature can bind, checked before they are signed, and spelled as headers or form fields. */
import { type Checksum, WaybillError } from '../protocol/index.ts';
import { maxExpiresInSeconds } from './claims.ts';
import { secondsUntil } from './credentials.ts';
import type { Moment } from './moment.ts';

/** S3 counts names and values of user metadata together, in bytes. */
const maxMetadataBytes = 2048;

/** Bytes of the raw digest, by algorithm. */
const digestBytes = { md5: 16, sha1: 20, sha256: 32, crc32: 4, crc32c: 4, crc64nvme: 8 } as const;

/** Not longer than the credentials live. @throws WaybillError internal_error outside 1 to 604,800 seconds */
export function expiresFor(moment: Moment, expiresInSeconds: number): number {
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > maxExpiresInSeconds)
    throw misuse(`expiresInSeconds must be a whole number from 1 to ${maxExpiresInSeconds}`);
  return Math.max(1, Math.min(expiresInSeconds, secondsUntil(moment.credentials, moment.ms)));
}

export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw misuse('size must be a whole number of bytes');
}

export function checkContentType(contentType: string): void {
  if (contentType === '') throw misuse('contentType must not be empty');
  printable('contentType', contentType);
}

/**
 * A value that arrives as it was signed: printable ASCII, and no spaces that a canonical form would fold.
 * @throws WaybillError internal_error
 */
export function printable(name: string, value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value) || value.startsWith(' ') || value.endsWith(' ') || value.includes('  '))
    throw misuse(`${name} must be printable ASCII without surplus spaces`);
  return value;
}

/** @throws WaybillError config_invalid when the storage would not verify it */
export function checksumHeader(
  { algorithm, value }: Checksum,
  verified: readonly string[],
  contentMd5: boolean,
): readonly [name: string, value: string] {
  if (!(algorithm === 'md5' ? contentMd5 : verified.includes(algorithm)))
    throw new WaybillError('config_invalid', `This storage does not verify ${String(algorithm)} checksums here.`);
  if (!isBase64Of(value, digestBytes[algorithm])) throw misuse(`a ${algorithm} checksum is the base64 of its digest`);
  return [algorithm === 'md5' ? 'content-md5' : `x-amz-checksum-${algorithm}`, value];
}

function isBase64Of(value: string, bytes: number): boolean {
  const length = Math.ceil(bytes / 3) * 4;
  return value.length === length && /^[A-Za-z0-9+/]+={0,2}$/.test(value) && paddingOf(value) === (3 - (bytes % 3)) % 3;
}

function paddingOf(value: string): number {
  return value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
}

/** As `x-amz-meta-*`, sorted. @throws WaybillError internal_error */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): (readonly [string, string])[] {
  let bytes = 0;
  const headers = Object.entries(metadata).map(([name, value]) => {
    if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name))
      throw misuse('metadata names are lower-case letters, digits, "_", "." and "-"');
    if (value === '') throw misuse('metadata values must not be empty');
    bytes += name.length + value.length;
    return [`x-amz-meta-${name}`, printable('metadata', value)] as const;
  });
  if (bytes > maxMetadataBytes) throw misuse(`metadata has more than ${maxMetadataBytes} bytes`);
  return headers.length > 1 ? headers.sort(([a], [b]) => (a < b ? -1 : 1)) : headers;
}

function misuse(rule: string): WaybillError {
  return new WaybillError('internal_error', `Not signed: ${rule}.`);
}
