import type { NextRequest } from 'next/server';
import { MiB } from 'waybill';
import { nextRequest } from 'waybill/adapters/next';
import { createUploads, route } from 'waybill/server';
import { savePhoto } from './photos';
import { readSession } from './session';
import { storage } from './storage';

const photo = route({
  limits: { contentTypes: ['image/*'], maxBytes: 20 * MiB },
  authorize: ({ request }) => readSession(nextRequest<NextRequest>(request).cookies),
  onComplete: ({ file, ownerId }) => savePhoto(ownerId, file),
});

export const uploads = createUploads({
  storage,
  secret: () => process.env.WAYBILL_SECRET ?? '', // openssl rand -base64 32
  basePath: '/api',
  routes: { photo },
});
