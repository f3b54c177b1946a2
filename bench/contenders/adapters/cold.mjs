/** A new process starts a server of a framework, and answers its first grant over HTTP. */
import { once } from 'node:events';
import { request } from 'node:http';
import { finish } from '../cold/finish.mjs';
import { account, bucket, file } from '../cold/given.mjs';
import { start } from './server.mjs';

const [framework, form] = process.argv.slice(2);
const server = await start({ framework, form, endpoint: 'http://127.0.0.1:1', account, bucket });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { fileName = 'face.jpg', size, contentType, sha256: value } = file;
const body = { route: 'avatar', files: [{ fileName, size, contentType, checksum: { algorithm: 'sha256', value } }] };
const asking = request({
  port: server.address().port,
  host: '127.0.0.1',
  path: '/uploads',
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  agent: false,
});
asking.end(JSON.stringify(body));
const [answer] = await once(asking, 'response');
let text = '';
for await (const piece of answer.setEncoding('utf8')) text += piece;
finish(JSON.parse(text).uploads[0].request.url);
process.exit();
