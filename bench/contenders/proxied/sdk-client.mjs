/** The AWS SDK in its default configuration, for the contenders that forward the bytes. */
import { importPeer } from '../../peers/import.mjs';

export async function createClient({ sink, account }) {
  const { S3Client } = await importPeer('@aws-sdk/client-s3');
  return new S3Client({ endpoint: sink, forcePathStyle: true, region: account.region, credentials: account });
}
