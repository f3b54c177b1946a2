/** A storage for proxies that accepts everything and keeps nothing, so that their cost does not depend on ours. */
import { createServer } from 'node:http';

let stored = 0;
const server = createServer((request, response) => {
  const { searchParams, pathname } = new URL(request.url, 'http://sink');
  let bytes = 0;
  request.on('data', (piece) => {
    bytes += piece.length;
  });
  request.on('end', () => {
    if (request.method === 'PUT') stored += bytes;
    const xml = (name, text) => response.end(`<?xml version="1.0"?><${name}>${text}</${name}>`);
    response.setHeader('etag', '"0123456789abcdef0123456789abcdef"');
    if (searchParams.has('uploads'))
      xml('InitiateMultipartUploadResult', '<Bucket>b</Bucket><Key>k</Key><UploadId>upload-1</UploadId>');
    else if (request.method === 'POST')
      xml('CompleteMultipartUploadResult', `<Bucket>b</Bucket><Key>${pathname}</Key><ETag>"0"</ETag>`);
    else response.end();
  });
});
process.on('message', () => process.send(stored));
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
