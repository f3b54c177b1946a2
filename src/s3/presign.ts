/**
 * Presigned PUT, GET and HEAD. What constrains a request is a signed header: AWS ignored checksums that were hoisted
 * into the query for years. Synchronous and careful with time, because every upload begins here.
 */
import { type PresignedRequest, WaybillError } from '../protocol/index.ts';
import { type Address, pathOf } from './address.ts';
import { encodeComponent } from './encode.ts';
import { checkKey } from './key.ts';
import type { Moment } from './moment.ts';
import { canonicalRequest, stringToSign, unsignedPayload } from './sign.ts';
import {
  checkContentType,
  checkPartNumber,
  checkSize,
  checksumHeader,
  expiresFor,
  metadataHeaders,
  printable,
} from './signed-facts.ts';
import { type SignedHeaders, signHeader, signHost, startHeaders } from './signed-headers.ts';
import type { PresignGetOptions, PresignPartOptions, PresignPutOptions, StorageCapabilities } from './types.ts';

export function presignPut(
  address: Address,
  capabilities: StorageCapabilities,
  moment: Moment,
  { key, size, contentType, checksum, once = true, metadata, expiresInSeconds }: PresignPutOptions,
): PresignedRequest {
  checkSize(size);
  checkContentType(contentType);
  if (once && !capabilities.once)
    throw new WaybillError('config_invalid', 'This storage does not honour If-None-Match: sign with `once: false`.');
  const bound = checksum && checksumHeader(checksum, capabilities.checksums, capabilities.contentMd5);
  // In the order of their names, as SigV4 sorts them.
  const headers = startHeaders();
  signHeader(headers, 'content-length', String(size));
  if (checksum && bound === 'content-md5') signHeader(headers, bound, checksum.value);
  signHeader(headers, 'content-type', contentType);
  signHost(headers, address.host);
  if (once) signHeader(headers, 'if-none-match', '*');
  if (capabilities.unsignedAcls) signHeader(headers, 'x-amz-acl', 'private');
  if (checksum && bound && bound !== 'content-md5') signHeader(headers, bound, checksum.value);
  if (metadata) for (const [name, value] of metadataHeaders(metadata)) signHeader(headers, name, value);
  return presign('PUT', address, key, '', headers, expiresInSeconds, moment);
}

/** Part uploads take no condition and no metadata: those belong to the multipart upload's begin and end. */
export function presignPart(
  address: Address,
  capabilities: StorageCapabilities,
  moment: Moment,
  { key, multipartId, partNumber, size, checksum, expiresInSeconds }: PresignPartOptions,
): PresignedRequest {
  checkSize(size);
  checkPartNumber(partNumber);
  const bound = checksum && checksumHeader(checksum, capabilities.partChecksums, capabilities.contentMd5);
  const headers = startHeaders();
  signHeader(headers, 'content-length', String(size));
  if (checksum && bound === 'content-md5') signHeader(headers, bound, checksum.value);
  signHost(headers, address.host);
  if (checksum && bound && bound !== 'content-md5') signHeader(headers, bound, checksum.value);
  const query = `&partNumber=${partNumber}&uploadId=${encodeComponent(printable('multipartId', multipartId))}`;
  return presign('PUT', address, key, query, headers, expiresInSeconds, moment);
}

/** A HEAD takes the same overrides. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export function presignRead(
  method: 'GET' | 'HEAD',
  address: Address,
  moment: Moment,
  options: PresignGetOptions,
): PresignedRequest {
  const headers = startHeaders();
  signHost(headers, address.host);
  const query =
    override('response-cache-control', options.cacheControl) +
    override('response-content-disposition', options.contentDisposition) +
    override('response-content-type', options.contentType);
  return presign(method, address, options.key, query, headers, options.expiresInSeconds, moment);
}

/** In a query spaces are encoded, and nobody folds them as in a header. */
function override(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  if (!/^[\x20-\x7e]+$/.test(value)) throw new WaybillError('internal_error', `Not signed: ${name} must be ASCII.`);
  return `&${name}=${encodeComponent(value)}`;
}

/** `extraQuery` begins with `&` and sorts after `X-Amz-*`, as every lower-case name does. */
function presign(
  method: 'PUT' | 'GET' | 'HEAD',
  address: Address,
  key: string,
  extraQuery: string,
  headers: SignedHeaders,
  expiresInSeconds: number,
  moment: Moment,
): PresignedRequest {
  checkKey(key);
  const seconds = expiresFor(moment, expiresInSeconds);
  const path = pathOf(address, key);
  const query = `${moment.queryHead}${seconds}${moment.queryMiddle}${headers.escapedNames}${extraQuery}`;
  const canonical = canonicalRequest({ method, path, query, headers, payload: unsignedPayload });
  const signature = moment.sign(stringToSign(moment.amzDate, moment.scope, canonical));
  return {
    method,
    url: `${address.origin}${path}?${query}&X-Amz-Signature=${signature}`,
    headers: headers.toSend,
    expiresAt: moment.isoAfter(seconds),
  };
}
