/**
 * Presigns PUT, GET and HEAD. Every constraint is a signed header and never a query parameter: for years AWS ignored
 * checksums in the query. This code runs for every upload, so it is synchronous and avoids intermediate objects.
 */
import { type PresignedRequest, WaybillError } from '../protocol/index.ts';
import { type Address, objectPath } from './address.ts';
import { encodeComponent } from './encode.ts';
import { checkKey } from './object-key.ts';
import { canonicalRequest, stringToSign, unsignedPayload } from './sign.ts';
import { createSignedHeaders, type SignedHeaders, signHeader, signHost } from './signed-headers.ts';
import {
  checkContentType,
  checkPartNumber,
  checkPrintable,
  checkSize,
  checksumHeaderName,
  limitExpiry,
  metadataHeaders,
} from './signed-values.ts';
import type { SigningTime } from './signing-time.ts';
import type { PresignGetOptions, PresignPartOptions, PresignPutOptions, StorageCapabilities } from './types.ts';

export function presignPut(
  address: Address,
  capabilities: StorageCapabilities,
  signingTime: SigningTime,
  { key, size, contentType, checksum, once = true, metadata, expiresInSeconds }: PresignPutOptions,
): PresignedRequest {
  checkSize(size);
  checkContentType(contentType);
  if (once && !capabilities.once)
    throw new WaybillError('config_invalid', 'This storage does not honour If-None-Match: sign with `once: false`.');
  // The header that binds the request to the checksum; undefined without a checksum.
  const bound = checksum && checksumHeaderName(checksum, capabilities.checksums, capabilities.contentMd5);
  // SigV4 requires the headers sorted by name.
  const headers = createSignedHeaders();
  signHeader(headers, 'content-length', String(size));
  if (checksum && bound === 'content-md5') signHeader(headers, bound, checksum.value);
  signHeader(headers, 'content-type', contentType);
  signHost(headers, address.host);
  if (once) signHeader(headers, 'if-none-match', '*');
  if (capabilities.unsignedAcls) signHeader(headers, 'x-amz-acl', 'private');
  if (checksum && bound && bound !== 'content-md5') signHeader(headers, bound, checksum.value);
  if (metadata) for (const [name, value] of metadataHeaders(metadata)) signHeader(headers, name, value);
  return presign('PUT', address, key, '', headers, expiresInSeconds, signingTime);
}

/** UploadPart accepts no condition and no metadata: CreateMultipartUpload and CompleteMultipartUpload have them. */
export function presignPart(
  address: Address,
  capabilities: StorageCapabilities,
  signingTime: SigningTime,
  { key, multipartId, partNumber, size, checksum, expiresInSeconds }: PresignPartOptions,
): PresignedRequest {
  checkSize(size);
  checkPartNumber(partNumber);
  const bound = checksum && checksumHeaderName(checksum, capabilities.partChecksums, capabilities.contentMd5);
  const headers = createSignedHeaders();
  signHeader(headers, 'content-length', String(size));
  if (checksum && bound === 'content-md5') signHeader(headers, bound, checksum.value);
  signHost(headers, address.host);
  if (checksum && bound && bound !== 'content-md5') signHeader(headers, bound, checksum.value);
  const query = `&partNumber=${partNumber}&uploadId=${encodeComponent(checkPrintable('multipartId', multipartId))}`;
  return presign('PUT', address, key, query, headers, expiresInSeconds, signingTime);
}

/** HEAD accepts the same overrides. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export function presignRead(
  method: 'GET' | 'HEAD',
  address: Address,
  signingTime: SigningTime,
  options: PresignGetOptions,
): PresignedRequest {
  const headers = createSignedHeaders();
  signHost(headers, address.host);
  const query =
    overrideParameter('response-cache-control', options.cacheControl) +
    overrideParameter('response-content-disposition', options.contentDisposition) +
    overrideParameter('response-content-type', options.contentType);
  return presign(method, address, options.key, query, headers, options.expiresInSeconds, signingTime);
}

/** Spaces are allowed here: in a query they are encoded, and not collapsed as in a header. */
function overrideParameter(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  if (!/^[\x20-\x7e]+$/.test(value)) throw new WaybillError('internal_error', `Not signed: ${name} must be ASCII.`);
  return `&${name}=${encodeComponent(value)}`;
}

/** @param extraQuery begins with `&`; its names are in lower case and therefore sort after `X-Amz-*` */
function presign(
  method: 'PUT' | 'GET' | 'HEAD',
  address: Address,
  key: string,
  extraQuery: string,
  headers: SignedHeaders,
  expiresInSeconds: number,
  signingTime: SigningTime,
): PresignedRequest {
  checkKey(key);
  const seconds = limitExpiry(signingTime, expiresInSeconds);
  const path = objectPath(address, key);
  const query = `${signingTime.queryHead}${seconds}${signingTime.queryMiddle}${headers.escapedNames}${extraQuery}`;
  const canonical = canonicalRequest({ method, path, query, headers, payload: unsignedPayload });
  const signature = signingTime.sign(stringToSign(signingTime.amzDate, signingTime.scope, canonical));
  return {
    method,
    url: `${address.origin}${path}?${query}&X-Amz-Signature=${signature}`,
    headers: headers.toSend,
    expiresAt: signingTime.isoAfter(seconds),
  };
}
