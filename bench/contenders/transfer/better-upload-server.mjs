/** The request handler of better-upload, with one route for each mode of its documentation. */
import { importPeer } from '../../peers/import.mjs';
import { answerJson, readJson } from './sdk.mjs';

const GiB = 2 ** 30;

export async function start({ account, bucket, endpoint, publics }) {
  const { handleRequest, route } = await importPeer('@better-upload/server');
  const { custom } = await importPeer('@better-upload/server/clients');
  const [far] = publics;
  const client = custom({ ...account, host: new URL(far).host, secure: false, forcePathStyle: true });
  // better-upload has one address of the storage, that of the clients. Here its own calls use the direct address.
  const { fetch } = client.s3;
  client.s3.fetch = async (input, init) => {
    const signed = await client.s3.sign(input, init);
    return globalThis.fetch(new Request(signed.url.replace(far, endpoint), signed));
  };
  if (far === endpoint) client.s3.fetch = fetch;
  const limits = { multipleFiles: true, maxFiles: 1000, maxFileSize: 64 * GiB, signedUrlExpiresIn: 900 };
  const onBeforeUpload = () => ({});
  const routes = {
    single: route({ ...limits, onBeforeUpload }),
    multipart: route({ ...limits, multipart: true, onBeforeUpload }),
  };
  const router = { client, bucketName: bucket, routes };

  return async (request, response) => {
    const body = await readJson(request);
    const { partSize } = body.metadata ?? {};
    const own = partSize
      ? { ...router, routes: { multipart: route({ ...limits, multipart: true, partSize, onBeforeUpload }) } }
      : router;
    const asked = new Request('http://app/better', { method: 'POST', body: JSON.stringify(body) });
    const answer = await handleRequest(asked, own);
    response.statusCode = answer.status;
    answerJson(response, await answer.json());
  };
}
