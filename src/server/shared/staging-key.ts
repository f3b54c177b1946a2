import { isUploadId } from './upload-id.ts';

/** Returns the key at which the bytes of an upload arrive. */
export function stagingKeyOf(config: { stagingPrefix: string }, uploadId: string): string {
  return config.stagingPrefix + uploadId;
}

/** Returns the upload whose staged object has this key, or null. */
export function uploadIdOfStagedObject(stagingPrefix: string, key: string): string | null {
  const id = key.slice(stagingPrefix.length);
  return key.startsWith(stagingPrefix) && isUploadId(id) ? id : null;
}

/** The folder of markers and sidecars, below the staging prefix. */
const recordFolder = '.waybill/';
const sidecarEnding = '.parts';

/** Returns the upload whose sidecar has this key, or null. */
export function uploadIdOfSidecar(stagingPrefix: string, key: string): string | null {
  const prefix = stagingPrefix + recordFolder;
  if (!key.startsWith(prefix) || !key.endsWith(sidecarEnding)) return null;
  const id = key.slice(prefix.length, -sidecarEnding.length);
  return isUploadId(id) ? id : null;
}

/** Returns the upload whose staged object, marker or sidecar has this key, or null for any other key. */
export function uploadIdOfStagingKey(stagingPrefix: string, key: string): string | null {
  return (
    uploadIdOfStagedObject(stagingPrefix, key) ??
    uploadIdOfStagedObject(stagingPrefix + recordFolder, key) ??
    uploadIdOfSidecar(stagingPrefix, key)
  );
}
