/**
 * Reads the description of a new object from headers or form fields: system headers, metadata, tags, storage class. A
 * header that would change the object's meaning and is not supported is refused.
 */
import { decodeWords, encodeWord } from './encoded-words.ts';
import { type ErrorDetails, invalidArgument, notImplementedHeader, StoreError } from './errors.ts';
import { fromBytes } from './keys.ts';
import type { ObjectRecord } from './record.ts';
import { parseTagHeader } from './tags.ts';

export type ObjectDescription = Pick<ObjectRecord, 'headers' | 'metadata' | 'tags' | 'storageClass'>;

const storedHeaders = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'] as const;
export const defaultContentType = 'binary/octet-stream';
const maxMetadataBytes = 2048;
const metadataPrefix = 'x-amz-meta-';

const storageClasses: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
]);
/** An object in one of these must be restored before it is read, which this store does not support. */
const archiveClasses: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE', 'OUTPOSTS', 'SNOW', 'EXPRESS_ONEZONE']);

/** These headers are refused: without their effect another object would be stored than the client asked for. */
export const unsupportedHeaders: readonly string[] = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-server-side-encryption-customer-key-md5',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-context',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
  'x-amz-write-offset-bytes',
  'x-amz-mfa',
];

/** S3 encrypts every object, so this header is in every response to a write or a read. */
export const encryptionHeader = { 'x-amz-server-side-encryption': 'AES256' } as const;

/** The fields of a form are text and contain no encoded words, unlike the headers of a request. */
export function describeObject(
  headers: ReadonlyMap<string, string>,
  source: 'request' | 'form' = 'request',
): ObjectDescription {
  checkUnsupportedHeaders(headers);
  checkAcl(headers);
  checkEncryption(headers);
  return {
    headers: systemHeaders(headers, source),
    metadata: readMetadata(headers, source),
    tags: parseTagHeader(headers.get('x-amz-tagging')),
    storageClass: readStorageClass(headers),
  };
}

export function checkUnsupportedHeaders(headers: ReadonlyMap<string, string>): void {
  const name = unsupportedHeaders.find((candidate) => headers.has(candidate));
  if (name !== undefined) throw notImplementedHeader(name);
}

function systemHeaders(headers: ReadonlyMap<string, string>, source: 'request' | 'form'): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of storedHeaders) {
    const value = headers.get(name);
    if (value !== undefined && value !== '') found[name] = source === 'form' ? toLatin1(value) : value;
  }
  found['content-type'] ??= defaultContentType;
  const encoding = withoutAwsChunked(headers.get('content-encoding'));
  if (encoding !== '') found['content-encoding'] = encoding;
  const redirect = headers.get('x-amz-website-redirect-location');
  if (redirect !== undefined) {
    if (!/^(\/|https?:\/\/)/.test(redirect)) throw new StoreError('InvalidRedirectLocation');
    found['x-amz-website-redirect-location'] = redirect;
  }
  return found;
}

/** `aws-chunked` describes the transfer and not the object. The rest of the value stays unchanged. */
function withoutAwsChunked(value = ''): string {
  return value
    .split(',')
    .filter((coding) => coding.trim().toLowerCase() !== 'aws-chunked')
    .join(',')
    .trim();
}

/** AWS returns the header fields of a form in ISO-8859-1, with a space for each character that it cannot represent. */
function toLatin1(bytes: string): string {
  return fromBytes(bytes).replace(/[^\0-\xff]/gu, ' ');
}

function readMetadata(headers: ReadonlyMap<string, string>, source: 'request' | 'form'): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>;
  let bytes = 0;
  for (const [name, value] of headers) {
    if (!name.startsWith(metadataPrefix)) continue;
    const short = name.slice(metadataPrefix.length);
    metadata[short] = source === 'form' ? value : decodeWords(value);
    bytes += short.length + value.length;
  }
  if (bytes > maxMetadataBytes)
    throw new StoreError('MetadataTooLarge', {
      details: { Size: String(bytes), MaxSizeAllowed: String(maxMetadataBytes) },
    });
  return { ...metadata };
}

export function metadataHeaders(metadata: ObjectRecord['metadata']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [`${metadataPrefix}${name}`, encodeWord(value)]),
  );
}

function readStorageClass(headers: ReadonlyMap<string, string>): string {
  const name = headers.get('x-amz-storage-class') ?? 'STANDARD';
  if (storageClasses.has(name)) return name;
  if (archiveClasses.has(name)) throw notImplementedHeader('x-amz-storage-class');
  throw new StoreError('InvalidStorageClass', { details: { StorageClassRequested: name } });
}

/** AES256 is the default of S3 and therefore accepted. */
function checkEncryption(headers: ReadonlyMap<string, string>): void {
  const name = 'x-amz-server-side-encryption';
  const value = headers.get(name);
  if (value === undefined || value === encryptionHeader[name]) return;
  if (value === 'aws:kms' || value === 'aws:kms:dsse') throw notImplementedHeader(name);
  const details: ErrorDetails = { ArgumentName: name, ArgumentValue: value };
  throw new StoreError('InvalidEncryptionAlgorithmError', { details });
}

const cannedAcls: ReadonlySet<string> = new Set([
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
]);
/** The ACLs that are accepted, because they describe the permissions that objects have anyway. */
const allowedAcls: ReadonlySet<string> = new Set(['private', 'bucket-owner-full-control']);
export const grantHeaders: readonly string[] = [
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
];

/**
 * The bucket owner controls every object. Other ACLs are refused, as in every new bucket of AWS.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */
export function checkAcl(
  headers: ReadonlyMap<string, string>,
  code: 'AccessControlListNotSupported' | 'InvalidBucketAclWithObjectOwnership' = 'AccessControlListNotSupported',
): void {
  const acl = headers.get('x-amz-acl') ?? headers.get('acl');
  if (acl !== undefined && !cannedAcls.has(acl)) throw invalidArgument('', 'x-amz-acl', acl);
  if (grantHeaders.some((name) => headers.has(name)) || (acl !== undefined && !allowedAcls.has(acl)))
    throw new StoreError(code);
}
