import type { H3Event } from 'h3';
import { MiB } from 'waybill';
import { h3Event } from 'waybill/adapters/h3';
import { createUploads, route } from 'waybill/server';
import { savePhoto } from './photos';
import { storage } from './storage';

const photo = route({
  limits: { contentTypes: ['image/*'], maxBytes: 20 * MiB },
  authorize: ({ request }) => ({ ownerId: h3Event<H3Event>(request).context.userId }),
  onComplete: ({ file, ownerId }) => savePhoto(ownerId, file),
});

export const uploads = createUploads({ storage, secret: () => process.env.WAYBILL_SECRET ?? '', routes: { photo } });
