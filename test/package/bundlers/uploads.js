// The server that every bundle contains. Importing it needs no environment variables, because builds run without them.
import { awsCredentials, envCredentials, s3Storage } from 'waybill/s3';
import { createUploads, route, sqsQueue } from 'waybill/server';

export const uploads = createUploads({
  storage: s3Storage({
    bucket: 'uploads',
    region: 'us-east-1',
    endpoint: process.env.S3_ENDPOINT ?? 'http://127.0.0.1:1',
    credentials: process.env.USE_PROFILE ? awsCredentials() : envCredentials(process.env),
    capabilities: 'devstore',
  }),
  secret: process.env.WAYBILL_SECRET ?? '',
  basePath: '/api',
  routes: {
    files: route({
      limits: { maxBytes: 1_000_000 },
      authorize: () => ({ ownerId: 'anna' }),
      onComplete: ({ file }) => ({ size: file.size }),
    }),
  },
});

/** Peers that are not installed: a bundle must be built without them. */
export const queueOf = (queueUrl) => sqsQueue({ queueUrl });
