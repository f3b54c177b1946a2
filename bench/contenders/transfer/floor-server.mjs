/** Signs the URLs of the floor with the AWS SDK before the clock starts. */
import { importPeer } from '../../peers/import.mjs';
import { answerJson, readJson, sdkClients } from './sdk.mjs';

export async function start({ account, bucket, endpoint, publics }) {
  const { PutObjectCommand, UploadPartCommand, CreateMultipartUploadCommand, CompleteMultipartUploadCommand } =
    await importPeer('@aws-sdk/client-s3');
  const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
  const { createPresignedPost } = await importPeer('@aws-sdk/s3-presigned-post');
  const { near, far } = await sdkClients({ account, endpoint, publics });
  let serial = 0;

  const onHost = (index, hosts) => far[index % hosts];
  const ways = {
    form: ({ type }, index, { hosts }) => form(onHost(index, hosts), newKey(), type),
    async put({ type }, index, { hosts }) {
      const command = new PutObjectCommand({ Bucket: bucket, Key: newKey(), ContentType: type });
      return {
        method: 'PUT',
        url: await getSignedUrl(onHost(index, hosts), command),
        headers: { 'content-type': type },
      };
    },
    async parts({ size, type }, _, { hosts, partBytes }) {
      const target = { Bucket: bucket, Key: newKey() };
      const { UploadId } = await near.send(new CreateMultipartUploadCommand({ ...target, ContentType: type }));
      const complete = await getSignedUrl(far[0], new CompleteMultipartUploadCommand({ ...target, UploadId }));
      const parts = [];
      for (let start = 0; start < size; start += partBytes) {
        const command = { ...target, UploadId, PartNumber: parts.length + 1 };
        const request = [];
        for (let host = 0; host < hosts; host++)
          request.push({ method: 'PUT', url: await getSignedUrl(far[host], new UploadPartCommand(command)) });
        parts.push({ start, end: Math.min(size, start + partBytes), request, complete });
      }
      return { complete, parts };
    },
  };
  async function form(client, key, type) {
    const options = { Bucket: bucket, Key: key, Fields: { 'Content-Type': type }, Expires: 900 };
    return { method: 'POST', ...(await createPresignedPost(client, options)) };
  }
  const newKey = () => `floor/${Date.now()}-${++serial}`;

  return async (request, response) => {
    const body = await readJson(request);
    const plan = [];
    for (const [index, file] of body.files.entries()) plan.push(await ways[body.way](file, index, body));
    answerJson(response, plan);
  };
}
