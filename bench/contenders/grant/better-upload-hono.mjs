/** better-upload binds type and length. It supports neither a checksum nor If-None-Match. */
import { importPeer } from '../../peers/import.mjs';
import { onHono } from './on-hono.mjs';

export async function start({ endpoint, account, bucket }) {
  const { handleRequest, route } = await importPeer('@better-upload/server');
  const { custom } = await importPeer('@better-upload/server/clients');
  const users = new Map([['session-1', { ownerId: 'user-1' }]]);
  const router = {
    client: custom({ ...account, host: new URL(endpoint).host, secure: false, forcePathStyle: true }),
    bucketName: bucket,
    routes: {
      avatar: route({
        fileTypes: ['image/*'],
        maxFileSize: 5 * 1024 * 1024,
        signedUrlExpiresIn: 900,
        onBeforeUpload: ({ req }) => {
          const { ownerId } = users.get(req.headers.get('x-session') ?? 'session-1');
          return { objectInfo: { key: `${ownerId}/${crypto.randomUUID()}` } };
        },
      }),
    },
  };
  return onHono((context) => handleRequest(context.req.raw, router));
}
