/** One route with metadata and a result. Each adapter passes a function that reads its framework's own request. */
import * as v from 'valibot';
import { s3Storage } from 'waybill/s3';
import { type CallbackRequest, createUploads, route } from 'waybill/server';

export const create = (userOf: (request: CallbackRequest) => string | undefined) =>
  createUploads({
    storage: s3Storage({ bucket: 'uploads', credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } }),
    secret: 'a secret of at least thirty-two characters',
    routes: {
      photo: route({
        limits: { maxBytes: 1000 },
        metadata: v.object({ album: v.string() }),
        authorize({ request, files }) {
          // @ts-expect-error the metadata has no such property
          if (files.some(({ metadata }) => metadata?.title)) return null;
          const ownerId = userOf(request);
          return ownerId && files.every(({ metadata }) => metadata?.album !== '') ? { ownerId } : null;
        },
        onComplete: ({ file, metadata }) => ({ size: file.size, album: metadata.album }),
      }),
    },
  });
