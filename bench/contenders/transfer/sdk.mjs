/** The AWS SDK for the servers of floors and peers, and their HTTP helpers. */
import { importPeer } from '../../peers/import.mjs';

/** `near` sends the requests of the server. `far` signs for clients: one for each host name of the storage. */
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
