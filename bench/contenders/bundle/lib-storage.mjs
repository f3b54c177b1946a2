import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

export function upload(file, credentials, onProgress) {
  const client = new S3Client({ region: 'eu-west-1', credentials });
  const one = new Upload({ client, params: { Bucket: 'user-content', Key: file.name, Body: file } });
  one.on('httpUploadProgress', onProgress);
  return one.done();
}
