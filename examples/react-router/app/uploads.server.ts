import { MiB } from 'waybill';
import { createUploads, route } from 'waybill/server';
import { savePhoto } from './photos.server';
import { readSession } from './session.server';
import { storage } from './storage.server';

const photo = route({
  limits: { contentTypes: ['image/*'], maxBytes: 20 * MiB },
  authorize: ({ request }) => readSession(request.header('cookie')),
  onComplete: ({ file, ownerId }) => savePhoto(ownerId, file),
});

export const uploads = createUploads({ storage, secret: () => process.env.WAYBILL_SECRET ?? '', routes: { photo } });
