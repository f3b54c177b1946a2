/** One account and many different files, so that no contender is fast because it caches the last answer. */
import { createHash } from 'node:crypto';

export const account = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'eu-west-1',
};
export const bucket = 'user-content';
export const host = `${bucket}.s3.${account.region}.amazonaws.com`;
export const expiresInSeconds = 900;

/** @typedef {{ key: string, size: number, contentType: string, sha256: string }} File `sha256` is base64 */

/** A power of two, so that contenders take the next one with a mask. */
export const fileCount = 1024;

/** @type {readonly File[]} */
export const files = Array.from({ length: fileCount }, (_, index) => {
  const digest = createHash('sha256').update(`file ${index}`).digest();
  return {
    key: `incoming/avatar/user-${index % 97}/${digest.toString('hex').slice(0, 32)}.jpg`,
    size: 100_000 + index,
    contentType: 'image/jpeg',
    sha256: digest.toString('base64'),
  };
});
