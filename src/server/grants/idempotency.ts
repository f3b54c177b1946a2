/** Grant calls that are repeated under one key of the client's, see `FileDeclaration.idempotencyKey`. */
import { createHmac } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { type Claims, isSameDeclaration } from '../state/claims.ts';
import type { UploadRecord } from '../state/ledger.ts';

/**
 * Without a ledger the key chooses the upload's id: both requests then store at one key, and `If-None-Match` admits one of
 * them. Under another secret it is another id: nobody can compute the id that a key has.
 */
export function randomOfKey(secret: string, of: { route: string; ownerId: string; key: string }): TakeRandom {
  const text = JSON.stringify(['idempotency key', of.route, of.ownerId, of.key]);
  const digest = createHmac('sha256', secret).update(text).digest();
  return (bytes) => digest.subarray(0, bytes);
}

/** @throws {WaybillError} `upload_conflict` unless the upload on record is what is declared now */
export function requireSameDeclaration(record: UploadRecord | null, declared: Claims): UploadRecord {
  if (record) {
    const { uploadId, ownerId, route, key, fileName, contentType, size, partSize, checksum, metadata } = record;
    const facts = { uploadId, ownerId, route, key, fileName, contentType, size, partSize, expiresAt: 0, metadata };
    // Parts have no checksum before they are complete, and a stream no size.
    const then: Claims = {
      ...facts,
      size: declared.size === null ? null : size,
      checksum: partSize === null ? checksum : null,
    };
    const isSame =
      isSameDeclaration(then, { ...declared, uploadId }) &&
      JSON.stringify(metadata) === JSON.stringify(declared.metadata);
    if (isSame) return record;
  }
  throw new WaybillError('upload_conflict', 'This file cannot be sent in place of another one. Start it again.', {
    details: { hint: 'The `idempotencyKey` was used for another file. Choose a new key for each upload.' },
  });
}
