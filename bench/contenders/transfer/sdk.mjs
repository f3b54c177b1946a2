/** The AWS SDK as the floors' and the peers' servers use it, and the little of HTTP that they need. */
import { importPeer } from '../../peers/import.mjs';

/** `near` for the server's own calls, `far` to sign for: one for each name under which clients reach the storage. */
export async function sdkClients({ account, endpoint, publics }) {
  const { S3Client } = await importPeer('@aws-sdk/client-s3');
  const client = (url) =>
    new S3Client({
      endpoint: url,
      region: account.region,
      credentials: account,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  return { near: client(endpoint), far: publics.map(client) };
}

export async function readJson(request) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return text === '' ? {} : JSON.parse(text);
}

export function answerJson(response, value) {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}
