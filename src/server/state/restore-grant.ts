import { uploadNotFound } from '../shared/errors.ts';
import type { Claims, OpenedGrant } from './claims.ts';
import type { Ledger, UploadRecord } from './ledger.ts';

/** Restores from a row what opening the grant of the upload would return. */
export function restoreGrant(record: UploadRecord): OpenedGrant {
  const { uploadId, route, ownerId, key, fileName, size, partSize, contentType, multipartId, metadata } = record;
  const expiresAt = Math.floor(record.expiresAt / 1000);
  // The claims contain the declared checksum. An upload in parts declares none for the whole file.
  const checksum = partSize === null ? withoutParts(record.checksum) : null;
  const claims: Claims = {
    uploadId,
    route,
    ownerId,
    key,
    fileName,
    size,
    partSize,
    contentType,
    checksum,
    expiresAt,
    metadata,
  };
  // Nothing was sent for such an upload: it shares the object of another one.
  if (record.transfer === 'none') claims.shared = true;
  return {
    claims,
    receipt: null,
    multipart: multipartId === null ? null : { multipartId, expiresAt },
  };
}

function withoutParts(checksum: UploadRecord['checksum']): Claims['checksum'] {
  return checksum && { algorithm: checksum.algorithm, value: checksum.value };
}

/** Adds the metadata that was too long to be sealed. @throws {WaybillError} `upload_not_found` */
export async function restoreMetadata(ledger: Ledger | undefined, opened: OpenedGrant): Promise<OpenedGrant> {
  const { claims } = opened;
  if (!claims.metadataInLedger) return opened;
  const record = await ledger?.find(claims.uploadId);
  if (!record) throw uploadNotFound();
  const { metadataInLedger: _, ...rest } = claims;
  return { ...opened, claims: { ...rest, metadata: record.metadata } };
}
