import { importPeer } from '../../peers/import.mjs';
import { finish } from './finish.mjs';
import { account, bound, bucket, file } from './given.mjs';

const { PutObjectCommand, S3Client } = await importPeer('@aws-sdk/client-s3');
const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
const client = new S3Client({
  region: account.region,
  credentials: account,
  requestChecksumCalculation: 'WHEN_REQUIRED',
});
const names = Object.keys(bound);
const command = new PutObjectCommand({
  Bucket: bucket,
  Key: file.key,
  ContentType: file.contentType,
  ContentLength: file.size,
  ChecksumSHA256: file.sha256,
  IfNoneMatch: '*',
});
finish(
  await getSignedUrl(client, command, {
    expiresIn: 900,
    signableHeaders: new Set(['host', ...names]),
    unhoistableHeaders: new Set(names),
  }),
);
