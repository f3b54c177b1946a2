/** One route as an app would write it, with all callbacks. */
import { s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';

export function createApp({ endpoint, account, bucket }) {
  const users = new Map([['session-1', { ownerId: 'user-1' }]]);
  return createUploads({
    storage: s3Storage({ endpoint, bucket, region: account.region, credentials: account, capabilities: 'devstore' }),
    secret: 'benchmark-secret-of-more-than-32-characters',
    routes: {
      avatar: route({
        limits: { contentTypes: ['image/*'], maxBytes: 5 * 1024 * 1024, maxFiles: 3 },
        authorize: ({ request }) => users.get(request.header('x-session') ?? 'session-1'),
      }),
    },
  });
}
