import { isUploadId } from './upload-id.ts';

/** What S3 knows of an upload before it is promoted: its staging key. */
export function stagingKeyOf(config: { stagingPrefix: string }, uploadId: string): string {
  return config.stagingPrefix + uploadId;
}

/** The upload that a key in staging is of; null for what is none. */
export function uploadIdOfStagedObject(stagingPrefix: string, key: string): string | null {
  const id = key.slice(stagingPrefix.length);
  return key.startsWith(stagingPrefix) && isUploadId(id) ? id : null;
}

/** Where a marker or a sidecar lies, below the staging prefix. */
const recordFolder = '.waybill/';
const sidecarEnding = '.parts';

/** The upload whose sidecar has this key, or null. */
export function uploadIdOfSidecar(stagingPrefix: string, key: string): string | null {
  const prefix = stagingPrefix + recordFolder;
  if (!key.startsWith(prefix) || !key.endsWith(sidecarEnding)) return null;
  const id = key.slice(prefix.length, -sidecarEnding.length);
  return isUploadId(id) ? id : null;
}

/** The upload that an object in staging belongs to, be it staged, a marker or a sidecar. Null for any other object. */
export function uploadIdOfStagingKey(stagingPrefix: string, key: string): string | null {
  return (
    uploadIdOfStagedObject(stagingPrefix, key) ??
    uploadIdOfStagedObject(stagingPrefix + recordFolder, key) ??
    uploadIdOfSidecar(stagingPrefix, key)
  );
}
