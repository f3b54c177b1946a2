import { createReadStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { importPeer } from '../../peers/import.mjs';
import { createClient } from './sdk-client.mjs';

export async function start(options) {
  const { PutObjectCommand } = await importPeer('@aws-sdk/client-s3');
  const { default: express } = await importPeer('express');
  const { default: multer } = await importPeer('multer');
  const client = await createClient(options);
  const app = express();
  let count = 0;
  app.post('/uploads', multer({ dest: options.dir }).single('file'), async ({ file }, response) => {
    const Key = `file-${count++}`;
    await client.send(
      new PutObjectCommand({
        Bucket: options.bucket,
        Key,
        Body: createReadStream(file.path),
        ContentLength: file.size,
        ContentType: file.mimetype,
      }),
    );
    await unlink(file.path);
    response.json({ key: Key, size: file.size });
  });
  return createServer(app);
}
