/** The real server: authorisation, grants, verified completion. `hosts` is the number of host names of the storage. */
import { toNodeHandler } from 'waybill/adapters/node';
import { s3Storage } from 'waybill/s3';
import { createUploads, route } from 'waybill/server';

const TiB = 2 ** 40;

export function start({ account, bucket, endpoint, publics, hosts, path }) {
  const files = {
    limits: { contentTypes: ['image/*', 'video/*', 'application/octet-stream'], maxBytes: TiB, maxFiles: 1000 },
    authorize: () => ({ ownerId: 'user-1' }),
  };
  const uploads = createUploads({
    storage: s3Storage({
      endpoint,
      publicEndpoint: publics.slice(0, hosts),
      bucket,
      region: account.region,
      credentials: account,
      capabilities: 'devstore',
    }),
    secret: 'benchmark-secret-of-more-than-32-characters',
    basePath: path,
    routes: { files: route(files), sizeOnly: route({ ...files, integrity: 'size-only' }) },
  });
  return toNodeHandler(uploads);
}
