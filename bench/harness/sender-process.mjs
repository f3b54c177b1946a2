/** Sends files in `proxied`, in place of a browser, in a separate process with constant memory. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as startRequest } from 'node:http';

const block = randomBytes(2 ** 20);
// The first bytes of a program (ELF), so that the content matches the declared type.
block.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
const contentType = 'application/octet-stream';
const agent = new Agent({ keepAlive: true });
const checksums = new Map();

function* piecesOf(size) {
  for (let left = size; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
}

function sha256(size) {
  if (!checksums.has(size)) {
    const hash = createHash('sha256');
    for (const piece of piecesOf(size)) hash.update(piece);
    checksums.set(size, hash.digest('base64'));
  }
  return checksums.get(size);
}

/** @returns {Promise<string>} the body of the answer */
async function send(url, { method, headers }, pieces) {
  const request = startRequest(url, { method, headers, agent });
  const answered = once(request, 'response');
  answered.catch(() => {});
  for (const piece of pieces) if (!request.write(piece)) await Promise.race([once(request, 'drain'), answered]);
  request.end();
  const [response] = await answered;
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  if (response.statusCode >= 300) throw new Error(`${method} answered ${response.statusCode}: ${text.slice(0, 300)}`);
  return text;
}

const post = async (url, body) => {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return JSON.parse(await send(url, { method: 'POST', headers }, [text]));
};

const ways = {
  async direct(app, size, completes) {
    const declared = {
      fileName: 'file.bin',
      size,
      contentType,
      checksum: { algorithm: 'sha256', value: sha256(size) },
    };
    const { uploads } = await post(`${app}/uploads`, { route: 'files', files: [declared] });
    const [{ grant, request, error }] = uploads;
    if (error) throw new Error(`${error.code}: ${error.message}`);
    await send(request.url, request, piecesOf(size));
    if (!completes) return;
    const { results } = await post(`${app}/uploads/complete`, { grants: [grant] });
    if (results[0].file?.size !== size) throw new Error(`Not completed: ${JSON.stringify(results[0].error)}`);
  },

  async raw(app, size) {
    const headers = { 'content-type': contentType, 'content-length': String(size) };
    await send(`${app}/uploads`, { method: 'PUT', headers }, piecesOf(size));
  },

  async form(app, size) {
    const boundary = 'waybill-bench-boundary-0123456789abcdef';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="file.bin"\r\ncontent-type: ${contentType}\r\n\r\n`;
    const tail = `\r\n--${boundary}--\r\n`;
    const headers = {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + size + tail.length),
    };
    function* body() {
      yield head;
      yield* piecesOf(size);
      yield tail;
    }
    await send(`${app}/uploads`, { method: 'POST', headers }, body());
  },
};

process.on('message', async ({ way, app, size, count = 1, completes = true }) => {
  try {
    for (let index = 0; index < count; index++) await ways[way](app, size, completes);
    process.send({ ok: true });
  } catch (error) {
    process.send({ error: String(error.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
process.send('ready');
