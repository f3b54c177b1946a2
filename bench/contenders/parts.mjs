/** Contenders that sign parts of this length and SHA-256. `sign(file, partNumber)` may be asynchronous. */
import { s3Storage } from 'waybill/s3';
import { createFloorSigner } from '../floors/signer.mjs';
import { account, bucket, expiresInSeconds, host } from '../harness/fixtures.mjs';
import { importPeer } from '../peers/import.mjs';

export const boundHeaders = ['content-length', 'x-amz-checksum-sha256'];
const multipartId = '2kMEpVY4zLs9gQeRj7Rr3u.Xh1b0cTnO5JvYwq8PZ_lAiDdGfHsKmNoQtUxWyBzE';

const headersOf = ({ size, sha256 }) => ({ 'content-length': String(size), 'x-amz-checksum-sha256': sha256 });
const queryOf = (partNumber) => `partNumber=${partNumber}&uploadId=${multipartId}`;

export function floor() {
  const { presignPart } = createFloorSigner({ ...account, host });
  return ({ key, size, sha256 }, partNumber) =>
    presignPart(key, multipartId, partNumber, size, sha256, expiresInSeconds);
}

export async function ours() {
  const storage = s3Storage({ bucket, region: account.region, credentials: account });
  await storage.ready();
  return ({ key, size, sha256 }, partNumber) =>
    storage.presignPart({
      key,
      multipartId,
      partNumber,
      size,
      checksum: { algorithm: 'sha256', value: sha256 },
      expiresInSeconds,
    });
}

export async function aws4() {
  const { default: peer } = await importPeer('aws4');
  return (file, partNumber) => {
    const headers = headersOf(file);
    const path = `/${file.key}?${queryOf(partNumber)}&X-Amz-Expires=${expiresInSeconds}`;
    const request = { service: 's3', region: account.region, method: 'PUT', host, path, headers, signQuery: true };
    return { method: 'PUT', url: `https://${host}${peer.sign(request, account).path}`, headers };
  };
}

export async function aws4fetch() {
  const { AwsClient } = await importPeer('aws4fetch');
  const client = new AwsClient({ ...account, service: 's3' });
  return async (file, partNumber) => {
    const headers = headersOf(file);
    const url = `https://${host}/${file.key}?${queryOf(partNumber)}&X-Amz-Expires=${expiresInSeconds}`;
    const request = await client.sign(url, { method: 'PUT', headers, aws: { signQuery: true, allHeaders: true } });
    return { method: 'PUT', url: request.url, headers };
  };
}

export async function s3mini() {
  const { S3mini } = await importPeer('s3mini');
  const client = new S3mini({ ...account, endpoint: `https://${host}` });
  return async (file, partNumber) => {
    const headers = headersOf(file);
    const query = { partNumber: String(partNumber), uploadId: multipartId };
    return {
      method: 'PUT',
      url: await client.getPresignedUrl('PUT', file.key, expiresInSeconds, query, headers),
      headers,
    };
  };
}

export async function awsSdk() {
  const { UploadPartCommand, S3Client } = await importPeer('@aws-sdk/client-s3');
  const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
  const client = new S3Client({
    region: account.region,
    credentials: account,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const options = {
    expiresIn: expiresInSeconds,
    signableHeaders: new Set(['host', ...boundHeaders]),
    unhoistableHeaders: new Set(boundHeaders),
  };
  return async (file, partNumber) => {
    const command = new UploadPartCommand({
      Bucket: bucket,
      Key: file.key,
      UploadId: multipartId,
      PartNumber: partNumber,
      ContentLength: file.size,
      ChecksumSHA256: file.sha256,
    });
    return { method: 'PUT', url: await getSignedUrl(client, command, options), headers: headersOf(file) };
  };
}
