/** The same storage as in the README. */
import { envCredentials, s3Storage } from 'waybill/s3';

export const storage = s3Storage({
  bucket: 'user-content',
  endpoint: process.env.S3_ENDPOINT ?? '',
  credentials: envCredentials(process.env),
  capabilities: 'devstore',
});
