/**
 * What each storage enforces. A letter at each preset names the evidence: (d) documented, (i) from issue threads, (s)
 * read in its source, (r) observed by running it. A capability that is not certain counts as missing, because a route
 * would rely on it.
 */
import { WaybillError } from '../protocol/index.ts';
import { checksumAlgorithms } from './checksums.ts';
import type { CapabilityPreset, StorageCapabilities } from './types.ts';

const noCapabilities: StorageCapabilities = {
  once: false,
  copyOnce: false,
  copyPrecondition: false,
  deleteIfMatch: false,
  checksums: [],
  contentMd5: false,
  postPolicy: false,
  postChecksums: [],
  postContentMd5: false,
  refusesUnsignedHeaders: false,
  unsignedAcls: false,
  equalParts: false,
  multipart: false,
  completeOnce: false,
  partChecksums: [],
  tagging: false,
  writeIds: false,
};

/**
 * The presets for {@link S3StorageOptions.capabilities}, by name.
 *
 * @example capabilityPresets.minio.copyOnce // false
 */
export const capabilityPresets: Readonly<Record<CapabilityPreset, StorageCapabilities>> = {
  /** (d), except `x-amz-checksum-*` fields in forms, which AWS does not document. `waybill doctor` observes them. */
  aws: {
    ...noCapabilities,
    once: true,
    copyOnce: true,
    copyPrecondition: true,
    deleteIfMatch: true,
    checksums: checksumAlgorithms,
    contentMd5: true,
    postPolicy: true,
    postContentMd5: true,
    refusesUnsignedHeaders: true,
    multipart: true,
    completeOnce: true,
    partChecksums: checksumAlgorithms,
    tagging: true,
  },
  /** (r). Part of this package, and strict by design. */
  devstore: {
    once: true,
    copyOnce: true,
    copyPrecondition: true,
    deleteIfMatch: true,
    checksums: checksumAlgorithms,
    contentMd5: true,
    postPolicy: true,
    postChecksums: checksumAlgorithms,
    postContentMd5: true,
    refusesUnsignedHeaders: true,
    unsignedAcls: false,
    equalParts: false,
    multipart: true,
    completeOnce: true,
    partChecksums: checksumAlgorithms,
    tagging: true,
    writeIds: false,
  },
  /** (r), Ceph RGW 16.2. It ignores every `x-amz-checksum-*` header and every precondition of a copy. */
  ceph16: {
    ...noCapabilities,
    once: true,
    contentMd5: true,
    postPolicy: true,
    unsignedAcls: true,
    multipart: true,
    tagging: true,
  },
  /** (d). A copy that must not replace an object needs R2's own `cf-copy-destination-if-none-match`. */
  r2: {
    ...noCapabilities,
    once: true,
    copyPrecondition: true,
    checksums: checksumAlgorithms,
    contentMd5: true,
    equalParts: true,
    multipart: true,
    completeOnce: true,
    partChecksums: checksumAlgorithms,
  },
  /** (s). `If-None-Match` does not protect the destination of a copy. */
  minio: {
    ...noCapabilities,
    once: true,
    copyPrecondition: true,
    checksums: checksumAlgorithms,
    contentMd5: true,
    postPolicy: true,
    postChecksums: checksumAlgorithms,
    multipart: true,
    completeOnce: true,
    partChecksums: checksumAlgorithms,
    tagging: true,
  },
  /**
   * (d), the XML API with HMAC keys. If-None-Match is ignored (i). Every write has a generation:
   * https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooggeneration
   */
  gcs: { ...noCapabilities, contentMd5: true, postPolicy: true, multipart: true, writeIds: true },
  /**
   * (i). If-None-Match is answered with 501, and forms are refused. Which checksums it verifies is not documented, so
   * its routes need `integrity: 'size-only'`. Every bucket keeps versions (d):
   * https://www.backblaze.com/docs/cloud-storage-s3-compatible-api
   */
  b2: { ...noCapabilities, multipart: true, writeIds: true },
};

/** @throws WaybillError config_invalid for an unknown preset or capability */
export function resolveCapabilities(
  given: CapabilityPreset | Partial<StorageCapabilities> | undefined = 'aws',
): StorageCapabilities {
  if (typeof given !== 'string') {
    // A storage that applies unsigned headers probably applies unsigned ACLs too.
    const unsignedAcls = given.refusesUnsignedHeaders === false;
    return Object.freeze({ ...capabilityPresets.aws, unsignedAcls, ...checkCapabilities(given) });
  }
  if (!Object.hasOwn(capabilityPresets, given))
    throw new WaybillError(
      'config_invalid',
      `Unknown capabilities; there are ${Object.keys(capabilityPresets).join(', ')}.`,
    );
  return Object.freeze({ ...capabilityPresets[given] });
}

function checkCapabilities(given: Partial<StorageCapabilities>): Partial<StorageCapabilities> {
  for (const [name, value] of Object.entries(given)) {
    const model = Object.hasOwn(noCapabilities, name) ? noCapabilities[name as keyof StorageCapabilities] : undefined;
    const fits = Array.isArray(model)
      ? Array.isArray(value) && value.every((item) => checksumAlgorithms.includes(item))
      : typeof value === typeof model;
    if (model === undefined || !fits)
      throw new WaybillError('config_invalid', `capabilities.${name} is unknown or of the wrong type.`);
  }
  return given;
}
