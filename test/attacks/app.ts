/**
 * The app under attack: real server on node:http, real store, two users told apart by a header. Every request that an
 * attacker sends goes out by `node:http`, because fetch would quietly mend what the attack breaks.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '../../src/adapters/node.ts';
import type {
  Checksum,
  ErrorCode,
  FileDeclaration,
  PresignedRequest,
  RouteInfo,
  SingleGrant,
  StoredFile,
  WireError,
} from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { createUploads, route } from '../../src/server/index.ts';
import type { TestStore } from '../support/stores.ts';

export const secret = 'attack-suite-secret-of-more-than-32-characters';

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

type UploadsOptions = Parameters<typeof createUploads>[0];

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** S3's error code, when the answer is one. */
  code: string | undefined;
}

export interface Completed {
  uploadId: string;
  file: StoredFile;
  data: unknown;
}

export interface JsonAnswer {
  status: number;
  headers: Answer['headers'];
  text: string;
  body: {
    uploads?: (SingleGrant | { error: WireError })[];
    results?: (Completed | { uploadId: string; aborted: true } | { error: WireError })[];
    error?: WireError;
  } & Partial<RouteInfo>;
}

/** Says on which host it reached what; `seen` collects everything that the suite was told, for G5. */
export const seen: string[] = [];

export async function startApp(store: TestStore, overrides: Partial<UploadsOptions> = {}) {
  const storage = (overrides.storage as Storage | undefined) ?? store.storage();
  const announced: { uploadId: string; file: StoredFile; ownerId: string; metadata: unknown }[] = [];
  const events: unknown[] = [];
  const uploads = createUploads({
    storage,
    secret,
    multipartMinBytes: 5 * 1024 * 1024,
    routes: {
      files: route({
        limits: { maxBytes: 1024 * 1024, contentTypes: ['*/*'], minBytes: 0 },
        authorize: ({ request }) => {
          const ownerId = request.header('x-user');
          return ownerId ? { ownerId } : null;
        },
        onComplete: (upload) => {
          announced.push(upload as (typeof announced)[number]);
          return { announced: announced.length };
        },
      }),
      // Reached by multipart.
      large: route({
        limits: { maxBytes: 12 * 1024 * 1024, contentTypes: ['*/*'] },
        authorize: ({ request }) => {
          const ownerId = request.header('x-user');
          return ownerId ? { ownerId } : null;
        },
        onComplete: (upload) => {
          announced.push(upload as (typeof announced)[number]);
          return { announced: announced.length };
        },
      }),
      // Without a checksum the signed length is all that bounds the bytes.
      sized: route({
        limits: { maxBytes: 1024 * 1024, contentTypes: ['*/*'] },
        integrity: 'size-only',
        authorize: () => ({ ownerId: 'alice' }),
      }),
    },
    onEvent: (event: unknown) => {
      events.push(event);
      seen.push(JSON.stringify(event));
    },
    ...overrides,
  } as UploadsOptions);
  const handler = toNodeHandler(uploads);
  const server = createServer((request, response) => void handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const payload = body === undefined ? null : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const answer = await raw(method, `${origin}${path}`, payload, {
      ...(payload ? { 'content-type': 'application/json', 'content-length': String(payload.length) } : {}),
      'x-user': 'alice',
      ...headers,
    });
    if (answer.status >= 400) seen.push(answer.text);
    let parsed: unknown = {};
    try {
      parsed = JSON.parse(answer.text);
    } catch {
      // Views answer without a body.
    }
    return { ...answer, body: parsed as JsonAnswer['body'] } satisfies JsonAnswer;
  }

  const app = {
    origin,
    uploads,
    storage,
    announced,
    events,
    call,

    async info(name = 'files') {
      return (await call('GET', `/uploads/routes/${name}`)).body as RouteInfo;
    },

    async declare(bytes: Uint8Array, file: Partial<FileDeclaration> = {}, name = 'files'): Promise<FileDeclaration> {
      const { checksum: algorithm } = await app.info(name);
      return {
        fileName: 'photo.png',
        size: bytes.length,
        contentType: 'image/png',
        ...(algorithm ? { checksum: checksumOf(algorithm, bytes) } : {}),
        ...file,
      };
    },

    /** Grants one file and fails loudly when it was refused. */
    async grant(bytes: Uint8Array, file: Partial<FileDeclaration> = {}, options: GrantOptions = {}) {
      const answer = await app.tryGrant(bytes, file, options);
      const upload = answer.body.uploads?.[0];
      if (!upload || 'error' in upload) throw new Error(`Not granted: ${answer.text}`);
      return upload;
    },

    async tryGrant(bytes: Uint8Array, file: Partial<FileDeclaration> = {}, options: GrantOptions = {}) {
      const { name = 'files', user = 'alice', transfers = ['put'], metadata } = options;
      const files = [await app.declare(bytes, file, name)];
      return call('POST', '/uploads', { route: name, files, transfers, metadata }, { 'x-user': user });
    },

    complete(grants: string | string[], headers: Record<string, string> = {}) {
      return call('POST', '/uploads/complete', { grants: [grants].flat() }, headers);
    },

    abort(grants: string | string[], headers: Record<string, string> = {}) {
      return call('POST', '/uploads/abort', { grants: [grants].flat() }, headers);
    },

    /** The whole way of one file. */
    async store(bytes: Uint8Array, file: Partial<FileDeclaration> = {}, options: GrantOptions = {}) {
      const upload = await app.grant(bytes, file, options);
      const sent = await send(upload.request, bytes);
      if (sent.status >= 300) throw new Error(`Not stored: ${sent.status} ${sent.code}`);
      const answer = await app.complete(upload.grant, { 'x-user': options.user ?? 'alice' });
      return { upload, answer, completed: completedOf(answer) };
    },

    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return app;
}

export type App = Awaited<ReturnType<typeof startApp>>;

interface GrantOptions {
  name?: string;
  user?: string;
  transfers?: ('put' | 'form')[];
  metadata?: unknown;
}

export function completedOf(answer: JsonAnswer): Completed {
  const result = answer.body.results?.[0];
  if (!result || !('file' in result)) throw new Error(`Not completed: ${answer.text}`);
  return result;
}

export function errorOf(answer: JsonAnswer): ErrorCode | undefined {
  return answer.body.error?.code;
}

export function checksumOf(algorithm: Checksum['algorithm'], bytes: Uint8Array): Checksum {
  if (algorithm !== 'sha256' && algorithm !== 'md5' && algorithm !== 'sha1')
    throw new Error(`The suite does not compute ${algorithm}`);
  return { algorithm, value: createHash(algorithm).update(bytes).digest('base64') };
}

/** Where the storage is told to put the bytes. */
export function stagedKey(store: TestStore, request: PresignedRequest): string {
  if (request.fields) return String(request.fields.key);
  const path = new URL(request.url).pathname;
  return decodeURIComponent(path.slice(`/${store.bucket}/`.length));
}

export interface Change {
  method?: string;
  url?: string;
  /** Null removes a header. */
  headers?: Record<string, string | null>;
  /** Sends `transfer-encoding: chunked` and no length. */
  chunked?: boolean;
  fields?: Record<string, string | null>;
}

/** Replays a presigned request, changed as the attack wants it. */
export function send(request: PresignedRequest, body: Uint8Array | null, change: Change = {}): Promise<Answer> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...request.headers, ...change.headers }))
    if (value !== null) headers[name.toLowerCase()] = value;
  let payload = body;
  if (request.fields) {
    const form = formBody({ ...request.fields, ...change.fields }, body ?? new Uint8Array());
    payload = form.body;
    headers['content-type'] = form.contentType;
  }
  if (change.chunked) {
    delete headers['content-length'];
    headers['transfer-encoding'] = 'chunked';
  } else if (
    payload &&
    (!headers['content-length'] || request.fields || change.headers?.['content-length'] === undefined)
  )
    headers['content-length'] = String(payload.length);
  return raw(change.method ?? request.method, change.url ?? request.url, payload, headers);
}

export function formBody(fields: Record<string, string | null>, file: Uint8Array) {
  const boundary = 'waybill-attack-boundary';
  const head = Object.entries(fields)
    .filter((entry): entry is [string, string] => entry[1] !== null)
    .map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join('');
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([
      Buffer.from(`${head}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n`),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  };
}

/** One request, exactly as given. */
export function raw(
  method: string,
  url: string,
  body: Uint8Array | null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const path = url.slice(url.indexOf('/', 'http://'.length));
    const request = httpRequest({ method, hostname, port, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, code });
      });
    });
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}
