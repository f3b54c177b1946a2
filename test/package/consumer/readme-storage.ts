/** The storage that the server of the README assumes. */
import { s3Storage } from 'waybill/s3';

export const storage = s3Storage({
  bucket: 'user-content',
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
});
