/** Sends uploads in parts through a test app, as a client does. */
import { createHash } from 'node:crypto';
import type {
  ArrivedPart,
  Checksum,
  FailedItem,
  MultipartCompletion,
  MultipartGrant,
  PartDeclaration,
  SignedPart,
  WireError,
} from '../../src/protocol/index.ts';
import { MiB, partBytes } from '../../src/protocol/index.ts';
import type { createTestApp } from './server-app.ts';
import { send } from './server-app.ts';

/** S3's minimum for every part except the last. */
export const partSize = 5 * MiB;

type App = Pick<ReturnType<typeof createTestApp>, 'call' | 'uploads'>;

export interface PartsBody {
  uploadId?: string;
  grant?: string;
  expiresInSeconds?: number;
  partSize?: number;
  partCount?: number | null;
  parts?: (Partial<SignedPart> & Partial<ArrivedPart> & Partial<FailedItem>)[];
  uploads?: (MultipartGrant & Partial<FailedItem>)[];
  error?: WireError;
}

/** Makes bytes with a PNG signature whose parts all differ. */
export function pngOf(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(bytes);
  for (let at = 16; at + 4 <= size; at += 4096) bytes.writeUInt32LE(Math.imul(at + seed, 2654435761) >>> 0, at);
  return bytes;
}

export function createParts(app: App, user: Record<string, string> = {}) {
  const algorithm = app.uploads.config.routes[0]?.checksum ?? 'sha256';
  const digest = (bytes: Uint8Array) => createHash(algorithm).update(bytes).digest();

  async function call(target: string, body: unknown) {
    const answer = await app.call('POST', target, body, user);
    return { ...answer, json: answer.json as unknown as PartsBody };
  }

  const parts = {
    checksumOf: (bytes: Uint8Array): Checksum => ({ algorithm, value: digest(bytes).toString('base64') }),

    compositeOf(bytes: Uint8Array, size = partSize): Checksum {
      const hash = createHash(algorithm);
      for (let at = 0; at === 0 || at < bytes.length; at += size) hash.update(digest(bytes.subarray(at, at + size)));
      return { algorithm, value: hash.digest('base64') };
    },

    partOf: (bytes: Uint8Array, partNumber: number, size = partSize) =>
      bytes.subarray((partNumber - 1) * size, (partNumber - 1) * size + partBytes(bytes.length, size, partNumber)),

    /** Requests a grant. `bytes` is null for a stream. */
    async begin(bytes: Uint8Array | null, more: object = {}, route = app.uploads.config.routes[0]?.route) {
      const { json } = await call('/uploads', {
        route,
        files: [{ fileName: 'big.png', size: bytes?.length ?? null, contentType: 'image/png', partSize, ...more }],
        transfers: ['form', 'put', 'multipart'],
      });
      const upload = json.uploads?.[0];
      if (!upload || upload.error) throw new Error(`not granted: ${JSON.stringify(json)}`);
      return upload;
    },

    declare(bytes: Uint8Array, partNumber: number, more: Partial<PartDeclaration> = {}): PartDeclaration {
      const part = parts.partOf(bytes, partNumber);
      return { partNumber, size: part.length, checksum: parts.checksumOf(part), ...more };
    },

    sign: (grant: string, declared: readonly PartDeclaration[], more: object = {}) =>
      call('/uploads/parts', { grant, parts: declared, ...more }),

    list: (grant: string) => call('/uploads/parts/list', { grant }),

    /** Signs and sends the given parts, by default all of them. Throws when a part is refused. */
    async send(grant: string, bytes: Uint8Array, numbers?: readonly number[]) {
      const all = numbers ?? Array.from({ length: Math.ceil(bytes.length / partSize) }, (_, index) => index + 1);
      const { json } = await parts.sign(
        grant,
        all.map((partNumber) => parts.declare(bytes, partNumber)),
      );
      for (const { partNumber = 0, request, error } of json.parts ?? []) {
        if (!request) throw new Error(`part ${partNumber} not signed: ${JSON.stringify(error)}`);
        const status = await send(request, parts.partOf(bytes, partNumber));
        if (status !== 200) throw new Error(`part ${partNumber}: ${status}`);
      }
      if (!json.parts) throw new Error(`not signed: ${JSON.stringify(json)}`);
    },

    complete: (...grants: (string | MultipartCompletion)[]) => app.call('POST', '/uploads/complete', { grants }, user),
  };
  return parts;
}
