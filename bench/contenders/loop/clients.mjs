/**
 * 200 clients. Each requests an upload, sends a small file, completes it and repeats this. Failed calls are repeated.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request as startRequest } from 'node:http';

const { clients } = JSON.parse(process.argv[2]);
const agent = new Agent({ keepAlive: true });
const contentType = 'application/octet-stream';
let port = 0;
let completed = 0;

function call(url, { method, headers }, body) {
  return new Promise((resolve, reject) => {
    const request = startRequest(url, { method, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function post(path, user, body) {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'x-user': user };
  const answer = await call(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers }, text);
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
  return JSON.parse(answer.text);
}

async function upload(user) {
  const bytes = randomBytes(2000);
  const checksum = { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('base64') };
  const file = { fileName: 'file.bin', size: bytes.length, contentType, checksum };
  const { uploads } = await post('/uploads', user, { route: 'files', files: [file] });
  const [{ grant, request }] = uploads;
  await call(request.url, request, bytes);
  for (;;) {
    const { results } = await post('/uploads/complete', user, { grants: [grant] });
    if (results[0].file) return;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function client(n) {
  for (;;) {
    try {
      await upload(`user-${n % 50}`);
      completed += 1;
    } catch {
      await pause(100);
    }
  }
}

process.on('message', (message) => {
  if (message.port) {
    if (port === 0) for (let n = 0; n < clients; n += 1) void client(n);
    port = message.port;
  }
  process.send({ completed });
});
process.on('disconnect', () => process.exit());
process.send('ready');
