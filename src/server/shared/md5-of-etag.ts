/**
 * Reads the MD5 in the ETag of a part, or of an object that was sent in one request. Returns undefined for any other
 * ETag, such as that of an object that is encrypted with a key of KMS.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function md5OfEtag(etag: string): Buffer | undefined {
  const hex = /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}
