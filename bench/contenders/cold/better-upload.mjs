import { importPeer } from '../../peers/import.mjs';
import { finish } from './finish.mjs';
import { account, bucket, file } from './given.mjs';

const { handleRequest, route } = await importPeer('@better-upload/server');
const { custom } = await importPeer('@better-upload/server/clients');
const router = {
  client: custom({ ...account, host: 's3.eu-west-1.amazonaws.com' }),
  bucketName: bucket,
  routes: { avatar: route({ fileTypes: ['image/*'], maxFileSize: 5 * 1024 * 1024 }) },
};
const response = await handleRequest(
  new Request('http://localhost/uploads', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      route: 'avatar',
      files: [{ name: 'face.jpg', size: file.size, type: file.contentType }],
    }),
  }),
  router,
);
finish((await response.json()).files[0].signedUrl);
