import { importPeer } from '../../peers/import.mjs';
import { finish } from './finish.mjs';
import { account, bucket, file } from './given.mjs';

const { Client } = await importPeer('minio');
const client = new Client({
  endPoint: 's3.eu-west-1.amazonaws.com',
  region: account.region,
  accessKey: account.accessKeyId,
  secretKey: account.secretAccessKey,
});
finish(await client.presignedPutObject(bucket, file.key, 900));
