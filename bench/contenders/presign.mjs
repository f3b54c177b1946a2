/** Contenders that sign a PUT of this type, length and SHA-256 with If-None-Match. `sign(file)` may be asynchronous. */
import { s3Storage } from 'waybill/s3';
import { createFloorSigner } from '../floors/signer.mjs';
import { account, bucket, expiresInSeconds, host } from '../harness/fixtures.mjs';
import { importPeer } from '../peers/import.mjs';

/** The headers that a request must bind. `host` is always signed. */
export const boundHeaders = ['content-type', 'content-length', 'x-amz-checksum-sha256', 'if-none-match'];

const headersOf = ({ size, contentType, sha256 }) => ({
  'content-type': contentType,
  'content-length': String(size),
  'x-amz-checksum-sha256': sha256,
  'if-none-match': '*',
});

export function floor() {
  const signer = createFloorSigner({ ...account, host });
  return ({ key, size, contentType, sha256 }) => signer.presignPut(key, size, contentType, sha256, expiresInSeconds);
}

async function storage() {
  const created = s3Storage({ bucket, region: account.region, credentials: account });
  await created.ready();
  return created;
}

export async function ours() {
  const { presignPut } = await storage();
  return ({ key, size, contentType, sha256 }) =>
    presignPut({ key, size, contentType, checksum: { algorithm: 'sha256', value: sha256 }, expiresInSeconds });
}

/** The same call, binding as little as possible. */
export async function oursPlain() {
  const { presignPut } = await storage();
  return ({ key, size, contentType }) => presignPut({ key, size, contentType, once: false, expiresInSeconds });
}

export async function aws4() {
  const { default: peer } = await importPeer('aws4');
  return (file) => {
    const headers = headersOf(file);
    const { path } = peer.sign(
      {
        service: 's3',
        region: account.region,
        method: 'PUT',
        host,
        path: `/${file.key}?X-Amz-Expires=${expiresInSeconds}`,
        headers,
        signQuery: true,
      },
      account,
    );
    return { method: 'PUT', url: `https://${host}${path}`, headers };
  };
}

export async function aws4fetch() {
  const { AwsClient } = await importPeer('aws4fetch');
  const client = new AwsClient({ ...account, service: 's3' });
  return async (file) => {
    const headers = headersOf(file);
    const request = await client.sign(`https://${host}/${file.key}?X-Amz-Expires=${expiresInSeconds}`, {
      method: 'PUT',
      headers,
      aws: { signQuery: true, allHeaders: true },
    });
    return { method: 'PUT', url: request.url, headers };
  };
}

export async function s3mini() {
  const { S3mini } = await importPeer('s3mini');
  const client = new S3mini({ ...account, endpoint: `https://${host}` });
  return async (file) => {
    const headers = headersOf(file);
    return {
      method: 'PUT',
      url: await client.getPresignedUrl('PUT', file.key, expiresInSeconds, {}, headers),
      headers,
    };
  };
}

export async function awsSdk() {
  const { PutObjectCommand, S3Client } = await importPeer('@aws-sdk/client-s3');
  const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
  const client = new S3Client({
    region: account.region,
    credentials: account,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const options = {
    expiresIn: expiresInSeconds,
    // By default the SDK does not sign the first two, and moves the checksum to the query, where it is ignored.
    signableHeaders: new Set(['host', ...boundHeaders]),
    unhoistableHeaders: new Set(boundHeaders),
  };
  return async (file) => {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: file.key,
      ContentType: file.contentType,
      ContentLength: file.size,
      ChecksumSHA256: file.sha256,
      IfNoneMatch: '*',
    });
    return { method: 'PUT', url: await getSignedUrl(client, command, options), headers: headersOf(file) };
  };
}
