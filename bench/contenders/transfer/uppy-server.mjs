/**
 * The server that Uppy's documentation describes: an endpoint that signs one request per call, and the S3 routes of
 * @uppy/companion 6 without the rest of Companion.
 */
import { importPeer } from '../../peers/import.mjs';
import { answerJson, readJson, sdkClients } from './sdk.mjs';

export async function start({ account, bucket, endpoint, publics, path }) {
  const sdk = await importPeer('@aws-sdk/client-s3');
  const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
  const { createPresignedPost } = await importPeer('@aws-sdk/s3-presigned-post');
  const {
    near,
    far: [far],
  } = await sdkClients({ account, endpoint, publics });
  const expires = { expiresIn: 900 };

  function commandOf({ method, key, uploadId, partNumber, contentType }) {
    const target = { Bucket: bucket, Key: key };
    if (method === 'PUT' && partNumber)
      return new sdk.UploadPartCommand({ ...target, UploadId: uploadId, PartNumber: partNumber });
    if (method === 'PUT') return new sdk.PutObjectCommand({ ...target, ContentType: contentType });
    if (method === 'POST' && uploadId) return new sdk.CompleteMultipartUploadCommand({ ...target, UploadId: uploadId });
    return new sdk.CreateMultipartUploadCommand(target);
  }

  const routes = {
    async sign(request) {
      return { url: await getSignedUrl(far, commandOf(await readJson(request)), expires) };
    },
    /** Signs a form for one file. */
    async params(_, query) {
      const key = `${crypto.randomUUID()}-${query.get('filename')}`;
      const Fields = { success_action_status: '201', 'content-type': query.get('type') };
      const { url, fields } = await createPresignedPost(far, { Bucket: bucket, Key: key, Fields, Expires: 900 });
      return { method: 'POST', url, fields, expires: 900 };
    },
    async create(request) {
      const { filename, type } = await readJson(request);
      const Key = `${crypto.randomUUID()}-${filename}`;
      const made = await near.send(new sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key, ContentType: type }));
      return { key: Key, uploadId: made.UploadId };
    },
    async signPart(_, query, [uploadId, partNumber]) {
      const command = { method: 'PUT', key: query.get('key'), uploadId, partNumber: Number(partNumber) };
      return { url: await getSignedUrl(far, commandOf(command), expires), expires: 900 };
    },
    async complete(request, query, [uploadId]) {
      const { parts } = await readJson(request);
      const target = { Bucket: bucket, Key: query.get('key'), UploadId: uploadId };
      const { Location, Key } = await near.send(
        new sdk.CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts: parts } }),
      );
      return { location: Location, key: Key, bucket };
    },
  };

  function routeOf(method, pathname) {
    const [, place, , kind, id, last] = pathname.slice(path.length).split('/');
    if (place === 'sign') return ['sign', []];
    if (kind === 'params') return ['params', []];
    if (method === 'POST') return last === 'complete' ? ['complete', [id]] : ['create', []];
    return ['signPart', [id, last]];
  }

  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://app');
    const [route, args] = routeOf(request.method, pathname);
    answerJson(response, await routes[route](request, searchParams, args.map(decodeURIComponent)));
  };
}
