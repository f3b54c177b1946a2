/**
 * A short SigV4 signer for requests that no SDK would send. It shares no code with src/s3, so that the tests of the
 * devstore's verifier do not depend on our own signer.
 */
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevstore, type Devstore, type DevstoreOptions } from '../../src/devstore/index.ts';

export const credentials = { accessKeyId: 'AKWAYBILLTEST', secretAccessKey: 'not-a-secret' };
export const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The error code of S3. */
  code: string | undefined;
}

export interface Sending {
  body?: string | Buffer;
  headers?: Record<string, string>;
  /** Sorted and encoded. */
  query?: string;
  /** @default the SHA-256 of the body */
  payload?: string;
  unsigned?: boolean;
  secret?: string;
  accessKeyId?: string;
  region?: string;
  /** Milliseconds since the epoch. */
  at?: number;
}

export interface TestStore {
  store: Devstore;
  url: string;
  directory: string;
  send(method: string, path: string, sending?: Sending): Promise<Answer>;
  end(): Promise<void>;
}

export function signingKey(secret: string, day: string, region: string): Buffer {
  return ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secret}`, day), region));
}

export function sign(method: string, host: string, path: string, sending: Sending): Record<string, string> {
  const { body = '', query = '', secret = credentials.secretAccessKey, region = 'us-east-1' } = sending;
  const date = `${new Date(sending.at ?? Date.now()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const payload = sending.payload ?? sha256(body);
  const headers: Record<string, string> = { host, 'x-amz-date': date, 'x-amz-content-sha256': payload };
  for (const [name, value] of Object.entries(sending.headers ?? {})) headers[name.toLowerCase()] = value;
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
  const canonical = [method, path, query, lines, names.join(';'), payload].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const signature = hmac(signingKey(secret, date.slice(0, 8), region), text).toString('hex');
  const credential = `${sending.accessKeyId ?? credentials.accessKeyId}/${scope}`;
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return headers;
}

/** The query of a presigned URL. `query` and `headers` are signed. */
export function presign(
  method: string,
  host: string,
  path: string,
  sending: { query?: Record<string, string>; headers?: Record<string, string>; expiresInSeconds?: number } = {},
): string {
  const date = `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const headers: Record<string, string> = { host, ...sending.headers };
  const names = Object.keys(headers).sort();
  const parameters: Record<string, string> = {
    ...sending.query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': date,
    'X-Amz-Expires': String(sending.expiresInSeconds ?? 60),
    'X-Amz-SignedHeaders': names.join(';'),
  };
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = Object.entries(parameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
  const canonical = [method, path, query, lines, names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = signingKey(credentials.secretAccessKey, date.slice(0, 8), 'us-east-1');
  return `${query}&X-Amz-Signature=${hmac(key, text).toString('hex')}`;
}

export function transmit(
  url: string,
  method: string,
  target: string,
  headers: Record<string, string>,
  body: string | Buffer = '',
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: target, headers, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => {
        const bytes = Buffer.concat(pieces);
        const code = /<Code>(\w+)<\/Code>/.exec(bytes.toString())?.[1];
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes, code });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export async function startStore(options: Partial<DevstoreOptions> = {}): Promise<TestStore> {
  const directory = options.dir ?? (await mkdtemp(join(tmpdir(), 'waybill-devstore-')));
  const store = await createDevstore({ credentials: [credentials], buckets: ['photos'], ...options, dir: directory });
  const { url } = await store.listen();
  const { host } = new URL(url);
  return {
    store,
    url,
    directory,
    send(method, path, sending = {}) {
      const { body = '', query } = sending;
      const headers = sending.unsigned ? { host, ...sending.headers } : sign(method, host, path, sending);
      const length = /^(PUT|POST)$/.test(method) ? { 'content-length': String(Buffer.byteLength(body)) } : {};
      return transmit(url, method, query ? `${path}?${query}` : path, { ...length, ...headers }, body);
    },
    async end() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
