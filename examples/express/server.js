// An Express service whose users send photos straight to the store. It never sees a byte of them.
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { toExpressHandler } from 'waybill/adapters/express';
import { createUploads, route } from 'waybill/server';
import { openStorage } from './storage.js';

/** Your database: what each user has sent, newest first. */
const photosOf = new Map();

const uploads = createUploads({
  storage: await openStorage(),
  // Set your own, so that permissions and links survive a restart: openssl rand -base64 32
  secret: process.env.WAYBILL_SECRET ?? randomBytes(32).toString('base64url'),
  routes: {
    photo: route({
      limits: { contentTypes: ['image/*'], maxBytes: 20_000_000 },
      // Who is it? Nobody gets a permission for nobody. `request.raw` is Express's own request.
      authorize: ({ request }) => request.raw.user && { ownerId: request.raw.user.id },
      // Stored and verified. Runs at least once for each upload, so what it does is the same the second time.
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
// Your sign-in. Here every visitor is somebody, told by a cookie.
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
// The client as the package ships it: modules that a browser loads as they are.
app.use('/waybill', express.static(fileURLToPath(new URL('..', import.meta.resolve('waybill/client')))));
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Open http://127.0.0.1:${server.address().port}`);
});
