/** The same account and file for every contender, without the many files of harness/fixtures.mjs. */
export const account = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'eu-west-1',
};
export const bucket = 'user-content';
export const host = 'user-content.s3.eu-west-1.amazonaws.com';
export const file = {
  key: 'incoming/avatar/user-1/0123456789abcdef.jpg',
  size: 100_000,
  contentType: 'image/jpeg',
  sha256: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
};
export const bound = {
  'content-type': file.contentType,
  'content-length': String(file.size),
  'x-amz-checksum-sha256': file.sha256,
  'if-none-match': '*',
};
