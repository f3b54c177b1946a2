/** Contenders that sign a POST policy for this key, type, length and SHA-256. `sign(file)` may be asynchronous. */
import { s3Storage } from 'waybill/s3';
import { createFloorSigner } from '../floors/signer.mjs';
import { account, bucket, expiresInSeconds, host } from '../harness/fixtures.mjs';
import { importPeer } from '../peers/import.mjs';

export const boundFields = ['key', 'content-type', 'x-amz-checksum-sha256'];

export function floor() {
  const signer = createFloorSigner({ ...account, host });
  return (file) => signer.presignForm(bucket, file.key, file.size, file.contentType, file.sha256, expiresInSeconds);
}

export async function ours() {
  const { presignForm, ready } = s3Storage({
    bucket,
    region: account.region,
    credentials: account,
    // The preset of AWS does not claim this yet; the peers sign the field anyway.
    capabilities: { postChecksums: ['sha256'] },
  });
  await ready();
  return ({ key, size, contentType, sha256 }) =>
    presignForm({ key, size, contentType, checksum: { algorithm: 'sha256', value: sha256 }, expiresInSeconds });
}

export async function minio() {
  const { Client } = await importPeer('minio');
  const client = new Client({
    endPoint: 's3.eu-west-1.amazonaws.com',
    region: account.region,
    accessKey: account.accessKeyId,
    secretKey: account.secretAccessKey,
  });
  return async ({ key, size, contentType, sha256 }) => {
    const policy = client.newPostPolicy();
    policy.setBucket(bucket);
    policy.setKey(key);
    policy.setContentType(contentType);
    policy.setContentLengthRange(size, size);
    policy.setExpires(new Date(Date.now() + expiresInSeconds * 1000));
    // This package has no setter for a checksum.
    policy.policy.conditions.push(['eq', '$x-amz-checksum-sha256', sha256]);
    policy.formData['x-amz-checksum-sha256'] = sha256;
    const { postURL, formData } = await client.presignedPostPolicy(policy);
    return { method: 'POST', url: postURL, fields: formData };
  };
}

export async function awsSdk() {
  const { S3Client } = await importPeer('@aws-sdk/client-s3');
  const { createPresignedPost } = await importPeer('@aws-sdk/s3-presigned-post');
  const client = new S3Client({ region: account.region, credentials: account });
  return async ({ key, size, contentType, sha256 }) => {
    const { url, fields } = await createPresignedPost(client, {
      Bucket: bucket,
      Key: key,
      Expires: expiresInSeconds,
      Fields: { 'Content-Type': contentType, 'x-amz-checksum-sha256': sha256 },
      Conditions: [['content-length-range', size, size]],
    });
    return { method: 'POST', url, fields };
  };
}
