/** A proxy that forwards the file as a stream while it arrives. */
import { createServer } from 'node:http';
import { importPeer } from '../../peers/import.mjs';
import { createClient } from './sdk-client.mjs';

export async function start(options) {
  const { default: busboy } = await importPeer('busboy');
  const { Upload } = await importPeer('@aws-sdk/lib-storage');
  const client = await createClient(options);
  let count = 0;
  return createServer((request, response) => {
    const parser = busboy({ headers: request.headers });
    parser.on('file', (_field, Body, { mimeType }) => {
      const Key = `file-${count++}`;
      new Upload({ client, params: { Bucket: options.bucket, Key, Body, ContentType: mimeType } }).done().then(
        () => response.end(JSON.stringify({ key: Key })),
        (error) => response.writeHead(500).end(String(error)),
      );
    });
    request.pipe(parser);
  });
}
