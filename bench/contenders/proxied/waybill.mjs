/** The server grants and completes; the client sends the bytes to the storage. */
import { createServer } from 'node:http';
import { toNodeHandler } from 'waybill/adapters/node';
import { s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';

export function start({ endpoint, account, bucket }) {
  const uploads = createUploads({
    storage: s3Storage({ endpoint, bucket, region: account.region, credentials: account, capabilities: 'devstore' }),
    secret: 'benchmark-secret-of-more-than-32-characters',
    routes: {
      files: route({
        limits: { contentTypes: ['*/*'], maxBytes: 2 ** 32 },
        authorize: () => ({ ownerId: 'user-1' }),
      }),
    },
  });
  return createServer(toNodeHandler(uploads));
}
