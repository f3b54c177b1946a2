/**
 * The POST form: one exact key, type, size and set of bytes, written into a policy that the storage checks field by
 * field. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { type PresignedRequest, WaybillError } from '../protocol/index.ts';
import type { Address } from './address.ts';
import { checkKey } from './key.ts';
import type { Moment } from './moment.ts';
import { algorithm } from './sign.ts';
import { checkContentType, checkSize, checksumHeader, expiresFor, metadataHeaders } from './signed-facts.ts';
import type { PresignFormOptions, StorageCapabilities } from './types.ts';

export function presignForm(
  address: Address,
  bucket: string,
  capabilities: StorageCapabilities,
  moment: Moment,
  { key, size, contentType, checksum, metadata, expiresInSeconds }: PresignFormOptions,
): PresignedRequest {
  if (!capabilities.postPolicy) throw new WaybillError('config_invalid', 'This storage does not take POST forms.');
  checkKey(key);
  checkSize(size);
  checkContentType(contentType);
  const seconds = expiresFor(moment, expiresInSeconds);
  const expiresAt = moment.isoAfter(seconds);

  const fields: Record<string, string> = { key, 'Content-Type': contentType };
  if (capabilities.unsignedAcls) fields.acl = 'private';
  if (checksum) {
    const name = checksumHeader(checksum, capabilities.postChecksums, capabilities.postContentMd5);
    fields[name === 'content-md5' ? 'Content-MD5' : name] = checksum.value;
  }
  if (metadata) for (const [name, value] of metadataHeaders(metadata)) fields[name] = value;
  fields['x-amz-algorithm'] = algorithm;
  fields['x-amz-credential'] = moment.credential;
  fields['x-amz-date'] = moment.amzDate;
  if (moment.credentials.sessionToken) fields['x-amz-security-token'] = moment.credentials.sessionToken;

  // An exact condition for every field, one property each, as S3 insists; the signature's own two need none.
  let conditions = `{"bucket":"${bucket}"},["content-length-range",${size},${size}]`;
  for (const name in fields) conditions += `,{"${name}":${JSON.stringify(fields[name])}}`;
  const policy = Buffer.from(`{"expiration":"${expiresAt}","conditions":[${conditions}]}`).toString('base64');
  fields.policy = policy;
  fields['x-amz-signature'] = moment.sign(policy);
  return { method: 'POST', url: address.origin + (address.prefix || '/'), headers: {}, fields, expiresAt };
}
