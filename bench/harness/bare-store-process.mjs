/**
 * A minimal server with the API of S3: it accepts everything, verifies nothing, and keeps only what a server reads
 * later (size, type, metadata, checksum, first bytes). Its small cost is the same for every contender. The file is long
 * because it is a complete service.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

/** Bytes that are kept of each body. */
const keptBytes = 64 * 1024;

const objects = new Map();
const uploads = new Map();
let counts = {};
let serial = 0;
const reset = () => {
  objects.clear();
  uploads.clear();
  counts = { preflights: 0, requests: 0, bytes: 0, largestPart: 0 };
};
reset();

const newEtag = () => `"${(++serial).toString(16).padStart(32, '0')}"`;
const xml = (name, inner) => `<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${inner}</${name}>`;
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** Reads a body to its end and keeps its first bytes. @returns {Promise<{ size: number, head: Buffer }>} */
function drain(request) {
  return new Promise((resolve, reject) => {
    let size = 0;
    let kept = 0;
    const pieces = [];
    request.on('data', (piece) => {
      size += piece.length;
      counts.bytes += piece.length;
      if (kept >= keptBytes) return;
      pieces.push(kept + piece.length > keptBytes ? Buffer.from(piece.subarray(0, keptBytes - kept)) : piece);
      kept += pieces.at(-1).length;
    });
    request.on('end', () => resolve({ size, head: Buffer.concat(pieces) }));
    request.on('error', reject);
    request.on('close', () => reject(new Error('The sender went away.')));
  });
}

function describe(headers) {
  const metadata = {};
  for (const name in headers) if (name.startsWith('x-amz-meta-')) metadata[name] = headers[name];
  return { contentType: headers['content-type'] ?? 'binary/octet-stream', metadata };
}

function storeObject(key, object) {
  const stored = { etag: newEtag(), modified: new Date().toUTCString(), ...object };
  objects.set(key, stored);
  return stored;
}

/** Parses the fields and the file of a form whose file is last. */
function parseForm(contentType, { size, head }) {
  const boundary = /boundary=("?)([^";]+)\1/.exec(contentType)?.[2] ?? '';
  const text = head.toString('latin1');
  const fields = {};
  let at = 0;
  for (;;) {
    const begin = text.indexOf('\r\n\r\n', at) + 4;
    if (begin < 4) throw new Error('no file in the form');
    const name = /name="([^"]*)"/.exec(text.slice(at, begin))?.[1] ?? '';
    if (name === 'file') {
      const trailer = boundary.length + 8;
      const bytes = size - begin - trailer;
      return { fields, size: bytes, head: head.subarray(begin, Math.min(head.length, begin + bytes)) };
    }
    const end = text.indexOf(`\r\n--${boundary}`, begin);
    fields[name.toLowerCase()] = Buffer.from(text.slice(begin, end), 'latin1').toString();
    at = end + boundary.length + 6;
  }
}

function completeParts(key, upload) {
  const parts = [...upload.parts.values()].sort((a, b) => a.partNumber - b.partNumber);
  const { checksumAlgorithm, ...described } = upload;
  delete described.parts;
  let composite;
  if (checksumAlgorithm === 'SHA256' && parts.every(({ sha256 }) => sha256)) {
    const hash = createHash('sha256');
    for (const { sha256 } of parts) hash.update(Buffer.from(sha256, 'base64'));
    composite = `${hash.digest('base64')}-${parts.length}`;
  }
  return storeObject(key, {
    ...described,
    size: parts.reduce((sum, { size }) => sum + size, 0),
    head: parts[0]?.head ?? Buffer.alloc(0),
    etag: `"${randomBytes(16).toString('hex')}-${parts.length}"`,
    sha256: composite,
  });
}

const handlers = {
  async PUT(request, { key, query }) {
    const { headers } = request;
    const copied = headers['x-amz-copy-source'];
    const source = copied && objects.get(decodeURIComponent(copied).replace(/^\/?[^/]+\//, ''));
    if (copied && !source) return fail(404, 'NoSuchKey');
    const upload = query.has('partNumber') && uploads.get(query.get('uploadId'));
    if (query.has('partNumber') && !upload) return fail(404, 'NoSuchUpload');
    // Requests that fail are counted as well.
    if (upload) counts.largestPart = Math.max(counts.largestPart, Number(headers['content-length']));
    const body = await drain(request);
    if (upload) {
      const partNumber = Number(query.get('partNumber'));
      const [from, to] = (headers['x-amz-copy-source-range'] ?? '').replace('bytes=', '').split('-').map(Number);
      const size = source ? to - from + 1 : body.size;
      const part = { partNumber, size, etag: newEtag(), sha256: headers['x-amz-checksum-sha256'] };
      upload.parts.set(partNumber, { ...part, ...(partNumber === 1 && { head: source ? source.head : body.head }) });
      if (source) return { body: xml('CopyPartResult', `<ETag>${escaped(part.etag)}</ETag>`) };
      return { headers: { etag: part.etag } };
    }
    if (headers['if-none-match'] === '*' && objects.has(key)) return fail(412, 'PreconditionFailed');
    if (source) {
      const replaced = headers['x-amz-metadata-directive'] === 'REPLACE' ? describe(headers) : {};
      const { etag } = storeObject(key, { ...source, ...replaced, etag: source.etag });
      const sum = source.sha256 ? `<ChecksumSHA256>${source.sha256}</ChecksumSHA256>` : '';
      return { body: xml('CopyObjectResult', `<ETag>${escaped(etag)}</ETag>${sum}`) };
    }
    return {
      headers: {
        etag: storeObject(key, { ...describe(headers), ...body, sha256: headers['x-amz-checksum-sha256'] }).etag,
      },
    };
  },

  async POST(request, { key, query, bucket }) {
    const { headers } = request;
    const type = headers['content-type'] ?? '';
    if (query.has('uploads')) {
      await drain(request);
      const id = `upload-${++serial}`;
      uploads.set(id, {
        ...describe(headers),
        checksumAlgorithm: headers['x-amz-checksum-algorithm'],
        parts: new Map(),
      });
      const inner = `<Bucket>${bucket}</Bucket><Key>${escaped(key)}</Key><UploadId>${id}</UploadId>`;
      return { body: xml('InitiateMultipartUploadResult', inner) };
    }
    if (query.has('uploadId')) {
      await drain(request);
      const upload = uploads.get(query.get('uploadId'));
      if (!upload) return fail(404, 'NoSuchUpload');
      uploads.delete(query.get('uploadId'));
      const { etag, sha256 } = completeParts(key, upload);
      const sum = sha256 ? `<ChecksumSHA256>${sha256}</ChecksumSHA256><ChecksumType>COMPOSITE</ChecksumType>` : '';
      const inner = `<Location>http://${headers.host}/${bucket}/${escaped(key)}</Location><Bucket>${bucket}</Bucket><Key>${escaped(key)}</Key><ETag>${escaped(etag)}</ETag>${sum}`;
      return { body: xml('CompleteMultipartUploadResult', inner) };
    }
    if (query.has('delete')) {
      const { head } = await drain(request);
      for (const [, deleted] of head.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(deleted);
      return { body: xml('DeleteResult', '') };
    }
    const form = parseForm(type, await drain(request));
    const { fields } = form;
    const described = describe({ ...fields, 'content-type': fields['content-type'] });
    const { etag } = storeObject(fields.key, {
      ...described,
      size: form.size,
      head: form.head,
      sha256: fields['x-amz-checksum-sha256'],
    });
    const location = `http://${headers.host}/${bucket}/${encodeURI(fields.key)}`;
    if (fields.success_action_status !== '201') return { status: 204, headers: { etag, location } };
    const inner = `<Location>${escaped(location)}</Location><Bucket>${bucket}</Bucket><Key>${escaped(fields.key)}</Key><ETag>${escaped(etag)}</ETag>`;
    return { status: 201, headers: { etag, location }, body: xml('PostResponse', inner) };
  },

  async GET(request, { key, query, bucket }) {
    if (query.has('uploadId')) {
      const upload = uploads.get(query.get('uploadId'));
      if (!upload) return fail(404, 'NoSuchUpload');
      const after = Number(query.get('part-number-marker') ?? 0);
      const most = Number(query.get('max-parts') ?? 1000);
      const all = [...upload.parts.values()]
        .filter(({ partNumber }) => partNumber > after)
        .sort((a, b) => a.partNumber - b.partNumber);
      const page = all
        .slice(0, most)
        .map(
          ({ partNumber, size, etag, sha256 }) =>
            `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escaped(etag)}</ETag><Size>${size}</Size>${sha256 ? `<ChecksumSHA256>${sha256}</ChecksumSHA256>` : ''}</Part>`,
        );
      const inner = `<Bucket>${bucket}</Bucket><Key>${escaped(key)}</Key><IsTruncated>${all.length > most}</IsTruncated>${page.join('')}`;
      return { body: xml('ListPartsResult', inner) };
    }
    if (!key) {
      const prefix = query.get('prefix') ?? '';
      const found = [...objects].filter(([name]) => name.startsWith(prefix)).slice(0, 1000);
      const inner = found.map(
        ([name, { size, etag, modified }]) =>
          `<Contents><Key>${escaped(name)}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><ETag>${escaped(etag)}</ETag><Size>${size}</Size></Contents>`,
      );
      return { body: xml('ListBucketResult', `<IsTruncated>false</IsTruncated>${inner.join('')}`) };
    }
    const object = objects.get(key);
    if (!object) return fail(404, 'NoSuchKey');
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined) return { headers: facts(object), body: object.head };
    const end = Math.min(to ? Number(to) : object.size - 1, object.size - 1);
    const asked = object.head.subarray(Number(from), end + 1);
    const body = Buffer.concat([asked, Buffer.alloc(end + 1 - Number(from) - asked.length)]);
    const range = `bytes ${from}-${end}/${object.size}`;
    return { status: 206, headers: { ...facts(object), 'content-range': range }, body };
  },

  async HEAD(_, { key }) {
    const object = objects.get(key);
    return object ? { headers: { ...facts(object), 'content-length': object.size } } : { status: 404 };
  },

  async DELETE(_, { key, query }) {
    if (query.has('uploadId')) uploads.delete(query.get('uploadId'));
    else objects.delete(key);
    return { status: 204 };
  },
};

function facts({ contentType, metadata, etag, modified, sha256 }) {
  return {
    ...metadata,
    'content-type': contentType,
    etag,
    'last-modified': modified,
    'accept-ranges': 'bytes',
    ...(sha256 && {
      'x-amz-checksum-sha256': sha256,
      'x-amz-checksum-type': sha256.includes('-') ? 'COMPOSITE' : 'FULL_OBJECT',
    }),
  };
}

const fail = (status, code) => ({ status, body: xml('Error', `<Code>${code}</Code><Message>${code}</Message>`) });

const server = createServer({ highWaterMark: 2 ** 18, noDelay: true }, async (request, response) => {
  const { headers, method } = request;
  const cors = headers.origin
    ? { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'ETag, Location', vary: 'Origin' }
    : {};
  try {
    if (method === 'OPTIONS') {
      counts.preflights++;
      response.writeHead(200, {
        ...cors,
        'access-control-allow-methods': 'GET, HEAD, PUT, POST, DELETE',
        'access-control-allow-headers': headers['access-control-request-headers'] ?? '',
        'access-control-max-age': '3000',
        'content-length': 0,
      });
      response.end();
      return;
    }
    counts.requests++;
    const at = request.url.indexOf('?');
    const path = at < 0 ? request.url : request.url.slice(0, at);
    const slash = path.indexOf('/', 1);
    const target = {
      bucket: path.slice(1, slash < 0 ? undefined : slash),
      key: slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1)),
      query: new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1)),
    };
    const handler = handlers[method];
    const {
      status = 200,
      headers: own = {},
      body = '',
    } = handler ? await handler(request, target) : fail(405, 'MethodNotAllowed');
    const type = body === '' || own['content-type'] ? {} : { 'content-type': 'application/xml' };
    const length = method === 'HEAD' ? {} : { 'content-length': Buffer.byteLength(body) };
    response.writeHead(status, { ...cors, ...type, ...length, ...own });
    response.end(method === 'HEAD' ? undefined : body);
  } catch {
    response.destroy();
  }
});
server.requestTimeout = 0;
server.keepAliveTimeout = 60_000;

process.on('message', ({ what, sha256, size, count }) => {
  if (what === 'reset') reset();
  // Pretends that this many parts were sent to the open multipart upload.
  if (what === 'fill') {
    const [upload] = uploads.values();
    for (let partNumber = 1; partNumber <= count; partNumber++)
      upload.parts.set(partNumber, { partNumber, size, etag: newEtag(), sha256, head: Buffer.alloc(keptBytes) });
  }
  process.send({ ...counts, objects: objects.size, cpuSeconds: cpuSeconds() });
});
function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
