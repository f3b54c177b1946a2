import { isUploadId, uploadIdPattern } from './upload-id.ts';

const stagedByUpload = new RegExp(`^(?:\\.waybill/)?(${uploadIdPattern})(?:\\.parts)?$`);

/** What S3 knows of an upload before it is promoted: its staging key. */
export function stagingKeyOf(config: { stagingPrefix: string }, uploadId: string): string {
  return config.stagingPrefix + uploadId;
}

/** The upload that a key in staging is of; null for what is none. */
export function uploadIdOfStagedObject(stagingPrefix: string, key: string): string | null {
  const id = key.slice(stagingPrefix.length);
  return key.startsWith(stagingPrefix) && isUploadId(id) ? id : null;
}

/**
 * The upload that anything in staging belongs to: an object, a marker or a sidecar. Null for what somebody else put there.
 */
export function uploadIdOfStagingKey(stagingPrefix: string, key: string): string | null {
  if (!key.startsWith(stagingPrefix)) return null;
  return stagedByUpload.exec(key.slice(stagingPrefix.length))?.[1] ?? null;
}
