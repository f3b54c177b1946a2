/** Imports `waybill/server` and makes one grant through the handler, as the first request of a server does. */
import { s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';
import { finish } from './finish.mjs';
import { account, bucket, file } from './given.mjs';

const uploads = createUploads({
  storage: s3Storage({ bucket, region: account.region, credentials: account }),
  secret: 'benchmark-secret-of-more-than-32-characters',
  routes: {
    avatar: route({
      limits: { contentTypes: ['image/*'], maxBytes: 5 * 1024 * 1024 },
      authorize: () => ({ ownerId: 'user-1' }),
    }),
  },
});
const body = Buffer.from(
  JSON.stringify({
    route: 'avatar',
    files: [
      {
        fileName: 'face.jpg',
        size: file.size,
        contentType: file.contentType,
        checksum: { algorithm: 'sha256', value: file.sha256 },
      },
    ],
  }),
);
const headers = { 'content-type': 'application/json', host: 'localhost', 'content-length': String(body.length) };
const answer = await uploads.handle({
  method: 'POST',
  path: '/uploads',
  query: '',
  header: (name) => headers[name],
  headers: () => Object.entries(headers),
  body: async () => body,
  raw: null,
});
finish(JSON.parse(answer.body).uploads[0].request.url);
