/**
 * The app under attack: a server on node:http and a test store. The header `x-user` names the user. Attack requests are
 * sent with `node:http`, because fetch would correct their headers.
 */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '../../src/adapters/node.ts';
import type {
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
import { createParts } from '../support/multipart.ts';
import { checksumOf } from '../support/send.ts';
import { png } from '../support/server-app.ts';
import type { TestStore } from '../support/stores.ts';

export { checksumOf, png };

export const secret = 'attack-suite-secret-of-more-than-32-characters';

type UploadsOptions = Parameters<typeof createUploads>[0];

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** S3's error code, when the answer is an S3 error. */
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

/** Every error answer and event of the apps in this process. G5 searches them for secrets. */
export const exposedTexts: string[] = [];

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
      // Without a checksum only the signed length limits the bytes.
      sized: route({
        limits: { maxBytes: 1024 * 1024, contentTypes: ['*/*'] },
        integrity: 'size-only',
        authorize: () => ({ ownerId: 'alice' }),
      }),
    },
    onEvent: (event: unknown) => {
      events.push(event);
      exposedTexts.push(JSON.stringify(event));
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
    const answer = await sendRaw(method, `${origin}${path}`, payload, {
      ...(payload ? { 'content-type': 'application/json', 'content-length': String(payload.length) } : {}),
      'x-user': 'alice',
      ...headers,
    });
    if (answer.status >= 400) exposedTexts.push(answer.text);
    let parsed: unknown = {};
    try {
      parsed = JSON.parse(answer.text);
    } catch {
      // Views answer without JSON.
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

    /** Requests a grant for one file. Throws when it is refused. */
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

    /** Grants, sends and completes one file. */
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

/** The staging key of a presigned request. */
export function stagedKey(store: TestStore, request: PresignedRequest): string {
  if (request.fields) return String(request.fields.key);
  const path = new URL(request.url).pathname;
  return decodeURIComponent(path.slice(`/${store.bucket}/`.length));
}

/** Sends uploads in parts through the app as the given user. */
export function partsOf(app: App, user = 'alice') {
  const call = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const answer = await app.call(method, path, body, headers);
    return { ...answer, headers: {}, json: answer.body, body: answer.text };
  };
  return createParts({ uploads: app.uploads, call } as unknown as Parameters<typeof createParts>[0], {
    'x-user': user,
  });
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

/** Sends a presigned request with the changes of an attack. */
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
  return sendRaw(change.method ?? request.method, change.url ?? request.url, payload, headers);
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

/** Sends one request exactly as given. */
export function sendRaw(
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
