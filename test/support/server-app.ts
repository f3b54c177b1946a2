/** Creates an app on a test store and calls it through `handle`, as an adapter does. */
import { createHash } from 'node:crypto';
import type {
  Checksum,
  CompletedUpload,
  FileDeclaration,
  PendingUpload,
  PresignedRequest,
  SingleGrant,
  WireError,
} from '../../src/protocol/index.ts';
import type { Storage } from '../../src/s3/index.ts';
import { type AnyRoute, createUploads, type PlainResponse, type UploadsOptions } from '../../src/server/index.ts';
import { sendPresigned } from './send.ts';

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export const secret = 'a secret of at least thirty-two characters';

export interface Body {
  uploads?: (SingleGrant & { error?: WireError })[];
  results?: (CompletedUpload & Partial<PendingUpload> & { aborted?: boolean; error?: WireError })[];
  error?: WireError;
}

export function createTestApp<Routes extends Record<string, AnyRoute>>(
  storage: Storage,
  routes: Routes,
  options: Partial<UploadsOptions<Routes>> = {},
) {
  const uploads = createUploads({ storage, secret, routes, ...options });
  const algorithm = uploads.config.routes[0]?.checksum ?? 'sha256';

  async function call(
    method: string,
    target: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<PlainResponse & { json: Body }> {
    const [path = '', query = ''] = target.split('?', 2);
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? null));
    const all: Record<string, string> = { 'content-type': 'application/json', host: 'app.test', ...headers };
    const answer = await uploads.handle({
      method,
      path,
      query,
      header: (name) => all[name],
      headers: () => Object.entries(all),
      body: async (maxBytes) => (bytes.length > maxBytes ? null : bytes),
      raw: null,
    });
    return { ...answer, json: answer.body === '' ? {} : JSON.parse(answer.body) };
  }

  function checksumOf(bytes: Uint8Array, of: 'sha256' | 'md5' = algorithm as 'sha256'): Checksum {
    return { algorithm: of, value: createHash(of).update(bytes).digest('base64') };
  }

  function declare(bytes: Uint8Array, more: Partial<FileDeclaration> = {}): FileDeclaration {
    const checksum = checksumOf(bytes);
    return { fileName: 'photo.png', size: bytes.length, contentType: 'image/png', checksum, ...more };
  }

  return {
    uploads,
    call,
    declare,
    checksumOf,

    async grant(bytes: Uint8Array, more: Partial<FileDeclaration> = {}, route = Object.keys(routes)[0]) {
      const { json } = await call('POST', '/uploads', { route, files: [declare(bytes, more)] });
      const upload = json.uploads?.[0];
      if (!upload || upload.error) throw new Error(`not granted: ${JSON.stringify(json)}`);
      return upload;
    },

    complete: (...grants: string[]) => call('POST', '/uploads/complete', { grants }),
    abort: (...grants: string[]) => call('POST', '/uploads/abort', { grants }),
  };
}

/** Sends the bytes with a presigned request and returns the status. */
export async function send(request: PresignedRequest, bytes: Uint8Array): Promise<number> {
  return (await sendPresigned(request, new Uint8Array(bytes))).status;
}
