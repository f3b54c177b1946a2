/**
 * The MD5 that an ETag is, of an object that came in one request or of a part. Undefined for any other ETag, such as
 * that of an object that a key of KMS encrypts. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function md5OfEtag(etag: string): Buffer | undefined {
  const hex = /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}
