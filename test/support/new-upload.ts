import { randomBytes } from 'node:crypto';
import type { NewUpload } from '../../src/server/internal.ts';

/** Makes an upload of 1000 bytes as the server records it: of `anna`, on the route `files`, without quotas. */
export function makeUpload(more: Partial<NewUpload> = {}): NewUpload {
  const uploadId = randomBytes(16).toString('hex');
  return {
    uploadId,
    route: 'files',
    ownerId: 'anna',
    key: `files/anna/${uploadId}.bin`,
    fileName: 'photo.bin',
    contentType: 'application/octet-stream',
    size: 1000,
    partSize: null,
    transfer: 'put',
    checksum: { algorithm: 'sha256', value: randomBytes(32).toString('base64') },
    metadata: { tag: 'a' },
    reservedBytes: more.size ?? 1000,
    expiresInMs: 900_000,
    abandonAfterMs: 600_000,
    quotas: { owner: null, route: null },
    ...more,
  };
}
