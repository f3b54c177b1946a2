/**
 * Presigns a POST form. Its policy fixes the key, content type, size and checksum, and the storage checks every
 * field. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { type PresignedRequest, WaybillError } from '../protocol/index.ts';
import type { Address } from './address.ts';
import { checkKey } from './object-key.ts';
import { algorithm } from './sign.ts';
import { checkContentType, checkSize, checksumHeaderName, limitExpiry, metadataHeaders } from './signed-values.ts';
import type { SigningTime } from './signing-time.ts';
import type { PresignFormOptions, StorageCapabilities } from './types.ts';

export function presignForm(
  address: Address,
  bucket: string,
  capabilities: StorageCapabilities,
  signingTime: SigningTime,
  { key, size, contentType, checksum, metadata, expiresInSeconds }: PresignFormOptions,
): PresignedRequest {
  if (!capabilities.postPolicy) throw new WaybillError('config_invalid', 'This storage does not support POST forms.');
  checkKey(key);
  checkSize(size);
  checkContentType(contentType);
  const seconds = limitExpiry(signingTime, expiresInSeconds);
  const expiresAt = signingTime.isoAfter(seconds);

  const fields: Record<string, string> = { key, 'Content-Type': contentType };
  if (capabilities.unsignedAcls) fields.acl = 'private';
  if (checksum) {
    const name = checksumHeaderName(checksum, capabilities.postChecksums, capabilities.postContentMd5);
    fields[name === 'content-md5' ? 'Content-MD5' : name] = checksum.value;
  }
  if (metadata) for (const [name, value] of metadataHeaders(metadata)) fields[name] = value;
  fields['x-amz-algorithm'] = algorithm;
  fields['x-amz-credential'] = signingTime.credential;
  fields['x-amz-date'] = signingTime.amzDate;
  if (signingTime.credentials.sessionToken) fields['x-amz-security-token'] = signingTime.credentials.sessionToken;

  // S3 requires a condition with one property for every field, except `policy` and the signature.
  let conditions = `{"bucket":"${bucket}"},["content-length-range",${size},${size}]`;
  for (const name in fields) conditions += `,{"${name}":${JSON.stringify(fields[name])}}`;
  const policy = Buffer.from(`{"expiration":"${expiresAt}","conditions":[${conditions}]}`).toString('base64');
  fields.policy = policy;
  fields['x-amz-signature'] = signingTime.sign(policy);
  return { method: 'POST', url: address.origin + (address.prefix || '/'), headers: {}, fields, expiresAt };
}
