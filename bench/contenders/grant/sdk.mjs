/** A server as in tutorials of the AWS SDK: check, choose a key, presign. Here the request binds everything. */
import { importPeer } from '../../peers/import.mjs';

export async function createAnswer({ endpoint, account, bucket }) {
  const { PutObjectCommand, S3Client } = await importPeer('@aws-sdk/client-s3');
  const { getSignedUrl } = await importPeer('@aws-sdk/s3-request-presigner');
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: account.region,
    credentials: account,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const bound = ['content-type', 'content-length', 'x-amz-checksum-sha256', 'if-none-match'];
  const options = {
    expiresIn: 900,
    signableHeaders: new Set(['host', ...bound]),
    unhoistableHeaders: new Set(bound),
  };
  const users = new Map([['session-1', { ownerId: 'user-1' }]]);
  return async (session, { files: [file] }) => {
    const { ownerId } = users.get(session ?? 'session-1');
    if (!file.contentType.startsWith('image/') || file.size > 5 * 1024 * 1024) return { error: 'refused' };
    const key = `${ownerId}/${crypto.randomUUID()}`;
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      ContentType: file.contentType,
      ContentLength: file.size,
      ChecksumSHA256: file.checksum.value,
      IfNoneMatch: '*',
    });
    return {
      key,
      url: await getSignedUrl(client, command, options),
      headers: {
        'content-type': file.contentType,
        'content-length': String(file.size),
        'x-amz-checksum-sha256': file.checksum.value,
        'if-none-match': '*',
      },
    };
  };
}
