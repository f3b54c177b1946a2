/**
 * Presigned PUT, GET and HEAD. What constrains a request is a signed header: AWS ignored checksums that were hoisted
 * into the query for years. Synchronous, and careful with time, because every upload begins here.
 */
import { type PresignedRequest, WaybillError } from '../protocol/index.ts';
import { type Address, pathOf } from './address.ts';
import { encodeComponent } from './encode.ts';
import { checkKey } from './key.ts';
import type { Moment } from './moment.ts';
import {
  type CanonicalHeaders,
  canonicalRequest,
  headerNames,
  signatureOf,
  stringToSign,
  unsignedPayload,
} from './sign.ts';
import { checkContentType, checkSize, checksumHeader, expiresFor, metadataHeaders, printable } from './signed-facts.ts';
import type { PresignGetOptions, PresignPutOptions, StorageCapabilities } from './types.ts';

export function presignPut(
  address: Address,
  capabilities: StorageCapabilities,
  moment: Moment,
  options: PresignPutOptions,
): PresignedRequest {
  const { key, size, contentType, checksum, once = true, metadata } = options;
  checkKey(key);
  checkSize(size);
  checkContentType(contentType);
  if (once && !capabilities.once)
    throw new WaybillError('config_invalid', 'This storage does not honour If-None-Match: sign with `once: false`.');
  // Sorted by name, as SigV4 wants them.
  const headers: (readonly [string, string])[] = [['content-length', String(size)]];
  const bound = checksum && checksumHeader(checksum, capabilities.checksums, capabilities.contentMd5);
  if (bound?.[0] === 'content-md5') headers.push(bound);
  headers.push(['content-type', contentType], ['host', address.host]);
  if (once) headers.push(['if-none-match', '*']);
  if (bound && bound[0] !== 'content-md5') headers.push(bound);
  if (metadata) headers.push(...metadataHeaders(metadata));
  return presign('PUT', address, key, '', headers, options.expiresInSeconds, moment);
}

export function presignGet(address: Address, moment: Moment, options: PresignGetOptions): PresignedRequest {
  checkKey(options.key);
  const query =
    override('response-cache-control', options.cacheControl) +
    override('response-content-disposition', options.contentDisposition) +
    override('response-content-type', options.contentType);
  return presign('GET', address, options.key, query, [['host', address.host]], options.expiresInSeconds, moment);
}

export function presignHead(
  address: Address,
  moment: Moment,
  options: { key: string; expiresInSeconds: number },
): PresignedRequest {
  checkKey(options.key);
  return presign('HEAD', address, options.key, '', [['host', address.host]], options.expiresInSeconds, moment);
}

function override(name: string, value: string | undefined): string {
  return value === undefined ? '' : `&${name}=${encodeComponent(printable(name, value))}`;
}

/** `extraQuery` begins with `&` and sorts after `X-Amz-*`, as every lower-case name does. */
function presign(
  method: 'PUT' | 'GET' | 'HEAD',
  address: Address,
  key: string,
  extraQuery: string,
  headers: CanonicalHeaders,
  expiresInSeconds: number,
  moment: Moment,
): PresignedRequest {
  const seconds = expiresFor(moment, expiresInSeconds);
  const path = pathOf(address, key);
  const names = headerNames(headers).replaceAll(';', '%3B');
  const query = `${moment.queryHead}${seconds}${moment.queryMiddle}${names}${extraQuery}`;
  const canonical = canonicalRequest({ method, path, query, headers, payload: unsignedPayload });
  const signature = signatureOf(moment.signingKey, stringToSign(moment.amzDate, moment.scope, canonical));
  const toSend: Record<string, string> = {};
  for (const [name, value] of headers) if (name !== 'host') toSend[name] = value;
  return {
    method,
    url: `${address.origin}${path}?${query}&X-Amz-Signature=${signature}`,
    headers: toSend,
    expiresAt: moment.isoAfter(seconds),
  };
}
