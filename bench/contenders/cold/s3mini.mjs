import { importPeer } from '../../peers/import.mjs';
import { finish } from './finish.mjs';
import { account, bound, file, host } from './given.mjs';

const { S3mini } = await importPeer('s3mini');
const client = new S3mini({ ...account, endpoint: `https://${host}` });
finish(await client.getPresignedUrl('PUT', file.key, 900, {}, bound));
