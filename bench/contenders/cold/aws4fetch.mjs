import { importPeer } from '../../peers/import.mjs';
import { finish } from './finish.mjs';
import { account, bound, file, host } from './given.mjs';

const { AwsClient } = await importPeer('aws4fetch');
const client = new AwsClient({ ...account, service: 's3' });
const request = await client.sign(`https://${host}/${file.key}?X-Amz-Expires=900`, {
  method: 'PUT',
  headers: bound,
  aws: { signQuery: true, allHeaders: true },
});
finish(request.url);
