/** Recognises repeated requests for the same grant, see `FileDeclaration.idempotencyKey`. */
import { createHmac } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import type { TakeRandom } from '../shared/random-pool.ts';
import { type Claims, isSameDeclaration } from '../state/claims.ts';
import type { UploadRecord } from '../state/ledger.ts';

/**
 * Without a ledger the upload id is derived from the idempotency key. Repeated requests then get the same object key,
 * where `If-None-Match` allows one write. The secret prevents clients from computing the id.
 */
export function deriveRandom(secret: string, facts: { route: string; ownerId: string; key: string }): TakeRandom {
  const text = JSON.stringify(['idempotency key', facts.route, facts.ownerId, facts.key]);
  const digest = createHmac('sha256', secret).update(text).digest();
  return (bytes) => digest.subarray(0, bytes);
}

/** @throws {WaybillError} `upload_conflict` unless the recorded upload has the same declaration */
export function requireSameDeclaration(record: UploadRecord | null, declared: Claims): UploadRecord {
  if (record) {
    const { uploadId, ownerId, route, key, fileName, contentType, size, partSize, checksum, metadata } = record;
    const recorded = { uploadId, ownerId, route, key, fileName, contentType, size, partSize, expiresAt: 0, metadata };
    // An upload in parts was declared without a checksum, and a stream without a size.
    const earlier: Claims = {
      ...recorded,
      size: declared.size === null ? null : size,
      checksum: partSize === null ? checksum : null,
    };
    const isSame =
      isSameDeclaration(earlier, { ...declared, uploadId }) &&
      JSON.stringify(metadata) === JSON.stringify(declared.metadata);
    if (isSame) return record;
  }
  throw new WaybillError('upload_conflict', 'This file cannot be sent in place of another one. Start a new upload.', {
    details: { hint: 'The `idempotencyKey` was used for another file. Choose a new key for each upload.' },
  });
}
