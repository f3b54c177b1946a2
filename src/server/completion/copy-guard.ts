/**
 * The guard makes sure that the verified bytes are the bytes that are copied. Between the two steps, the sender still
 * has its presigned request and may send it again with other bytes.
 *
 * | preset                  | guard                                                                                 |
 * |-------------------------|---------------------------------------------------------------------------------------|
 * | aws, devstore, minio, r2 | `sha256`: every write to the staging key has the granted bytes; `once` for `size-only` |
 * | ceph16                  | `once`: If-None-Match is signed into the PUT, so nothing replaces the staged object    |
 * | gcs                     | `writeId`: the generation of the staged object is the same before and after            |
 * | b2                      | `writeId`: the version of the staged object is the same before and after               |
 * | any, uploads in parts   | `parts`: the staged object comes from one CompleteMultipartUpload, which only we send  |
 *
 * The ETag is compared as well, but it is an MD5, which two different files can share. Forms cannot be `once`: they are
 * used with SHA-256 only.
 */
import type { ObjectInfo, StorageCapabilities } from '../../s3/index.ts';
import type { Claims } from '../state/claims.ts';

export type CopyGuard = 'parts' | 'sha256' | 'once' | 'writeId';

/**
 * Returns null where the storage has no guard.
 *
 * @param algorithm the algorithm of the checksum that the storage verified; null without one
 */
export function chooseCopyGuard(
  { once, writeIds }: Pick<StorageCapabilities, 'once' | 'writeIds'>,
  algorithm: string | null,
): Exclude<CopyGuard, 'parts'> | null {
  if (algorithm === 'sha256') return 'sha256';
  if (once) return 'once';
  return writeIds ? 'writeId' : null;
}

export function chooseCopyGuardOfUpload(
  capabilities: StorageCapabilities,
  { partSize, checksum }: Claims,
): CopyGuard | null {
  return partSize === null ? chooseCopyGuard(capabilities, checksum?.algorithm ?? null) : 'parts';
}

/** Whether nothing has written to this key between the two reads. */
export function isSameWrite(before: ObjectInfo, after: ObjectInfo | null): boolean {
  return before.writeId !== undefined && before.writeId === after?.writeId;
}
