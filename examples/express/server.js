// An Express service whose users send photos directly to the storage. The bytes do not pass through it.
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { toExpressHandler } from 'waybill/adapters/express';
import { createUploads, route } from 'waybill/server';
import { openStorage } from './storage.js';

/** Stands for your database: the photos of each user, newest first. */
const photosOf = new Map();

const uploads = createUploads({
  storage: await openStorage(),
  // Set WAYBILL_SECRET, so that grants and links survive a restart: openssl rand -base64 32
  secret: process.env.WAYBILL_SECRET ?? randomBytes(32).toString('base64url'),
  routes: {
    photo: route({
      limits: { contentTypes: ['image/*'], maxBytes: 20_000_000 },
      // Returns the owner of the upload. Without one, the call is refused. `request.raw` is the request of Express.
      authorize: ({ request }) => request.raw.user && { ownerId: request.raw.user.id },
      // The file is stored and verified. This runs at least once for each upload, so a second run must change nothing.
      onComplete: ({ file, ownerId }) => {
        const others = (photosOf.get(ownerId) ?? []).filter(({ uploadId }) => uploadId !== file.uploadId);
        photosOf.set(ownerId, [file, ...others]);
        return { photos: others.length + 1 };
      },
    }),
  },
});

const app = express();
app.disable('x-powered-by');
// Stands for your sign-in: every visitor is a user, recognised by a cookie.
app.use((request, response, next) => {
  const [, known] = /(?:^|; )visitor=([\w-]{36})/.exec(request.headers.cookie ?? '') ?? [];
  const id = known ?? randomUUID();
  if (!known) response.cookie('visitor', id, { httpOnly: true, sameSite: 'strict' });
  request.user = { id };
  next();
});
app.use(toExpressHandler(uploads));
app.get('/photos', (request, response) => {
  response.json((photosOf.get(request.user.id) ?? []).map(({ url, fileName }) => ({ url, fileName })));
});
// Serves the client of the package as modules, which a browser loads without a bundler.
app.use('/waybill', express.static(fileURLToPath(new URL('..', import.meta.resolve('waybill/client')))));
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Open http://127.0.0.1:${server.address().port}`);
});
