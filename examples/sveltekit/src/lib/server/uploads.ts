import type { RequestEvent } from '@sveltejs/kit';
import { MiB } from 'waybill';
import { svelteKitEvent } from 'waybill/adapters/sveltekit';
import { createUploads, route } from 'waybill/server';
import { savePhoto } from './photos';
import { storage } from './storage';

const photo = route({
  limits: { contentTypes: ['image/*'], maxBytes: 20 * MiB },
  authorize: ({ request }) => ({ ownerId: svelteKitEvent<RequestEvent>(request).locals.userId }),
  onComplete: ({ file, ownerId }) => savePhoto(ownerId, file),
});

export const uploads = createUploads({ storage, secret: () => process.env.WAYBILL_SECRET ?? '', routes: { photo } });
