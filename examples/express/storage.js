// The photos are stored in your bucket when S3_BUCKET is set, or else in the development store on this disk.
import { randomBytes } from 'node:crypto';
import { createDevstore } from 'waybill/devstore';
import { envCredentials, s3Storage } from 'waybill/s3';

export async function openStorage({ env = process.env } = {}) {
  if (env.S3_BUCKET)
    return s3Storage({
      bucket: env.S3_BUCKET,
      credentials: envCredentials(env),
      ...(env.AWS_REGION ? { region: env.AWS_REGION } : {}),
      ...(env.S3_ENDPOINT ? { endpoint: env.S3_ENDPOINT } : {}),
      // The capabilities of the storage, such as 'minio' or 'r2'. Required with an endpoint.
      ...(env.S3_PRESET ? { capabilities: env.S3_PRESET } : {}),
    });

  const credentials = { accessKeyId: 'example', secretAccessKey: randomBytes(20).toString('hex') };
  const store = await createDevstore({
    dir: '.waybill/store',
    credentials: [credentials],
    buckets: ['photos'],
    // Pages of these origins may send files. Your bucket needs the same rule.
    cors: [
      {
        allowedOrigins: ['http://127.0.0.1:*', 'http://localhost:*'],
        allowedMethods: ['PUT', 'POST'],
        allowedHeaders: ['*'],
      },
    ],
  });
  const { url } = await store.listen();
  return s3Storage({ bucket: 'photos', endpoint: url, credentials, capabilities: 'devstore' });
}
