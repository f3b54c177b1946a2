/**
 * What storages are known to enforce. (d) documented, (i) from issue threads, (s) read in the source, (r) observed by
 * running it; unmarked or unsure counts as no, because a guarantee that is only claimed is none.
 */
import { WaybillError } from '../protocol/index.ts';
import type { CapabilityPreset, StorageCapabilities } from './types.ts';

const everyChecksum = ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'] as const;

const none: StorageCapabilities = {
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

export const capabilityPresets: Readonly<Record<CapabilityPreset, StorageCapabilities>> = {
  /** All (d), but for `x-amz-checksum-*` fields in forms: unsure until `waybill doctor` has seen one refused. */
  aws: {
    ...none,
    once: true,
    copyOnce: true,
    copyPrecondition: true,
    deleteIfMatch: true,
    checksums: everyChecksum,
    contentMd5: true,
    postPolicy: true,
    postContentMd5: true,
    refusesUnsignedHeaders: true,
    multipart: true,
    completeOnce: true,
    partChecksums: everyChecksum,
    tagging: true,
  },
  /** (r): ours, strict by design. */
  devstore: {
    once: true,
    copyOnce: true,
    copyPrecondition: true,
    deleteIfMatch: true,
    checksums: everyChecksum,
    contentMd5: true,
    postPolicy: true,
    postChecksums: everyChecksum,
    postContentMd5: true,
    refusesUnsignedHeaders: true,
    unsignedAcls: false,
    equalParts: false,
    multipart: true,
    completeOnce: true,
    partChecksums: everyChecksum,
    tagging: true,
    writeIds: false,
  },
  /** (r): Ceph RGW 16.2. It ignores every `x-amz-checksum-*` and copy precondition. */
  ceph16: {
    ...none,
    once: true,
    contentMd5: true,
    postPolicy: true,
    unsignedAcls: true,
    multipart: true,
    tagging: true,
  },
  /** (d). Create-only copies need its own `cf-copy-destination-if-none-match`. */
  r2: {
    ...none,
    once: true,
    copyPrecondition: true,
    checksums: everyChecksum,
    contentMd5: true,
    equalParts: true,
    multipart: true,
    completeOnce: true,
    partChecksums: everyChecksum,
  },
  /** (s). The destination of a copy is not guarded. */
  minio: {
    ...none,
    once: true,
    copyPrecondition: true,
    checksums: everyChecksum,
    contentMd5: true,
    postPolicy: true,
    postChecksums: everyChecksum,
    multipart: true,
    completeOnce: true,
    partChecksums: everyChecksum,
    tagging: true,
  },
  /**
   * (d), S3 interoperability with HMAC keys. If-None-Match is silently ignored (i). Every write has a generation:
   * https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooggeneration
   */
  gcs: { ...none, contentMd5: true, postPolicy: true, multipart: true, writeIds: true },
  /**
   * (i): If-None-Match answers 501, forms are refused. What it verifies is not documented, so that its routes say
   * `integrity: 'size-only'`. Every bucket keeps versions (d): https://www.backblaze.com/docs/cloud-storage-s3-compatible-api
   */
  b2: { ...none, multipart: true, writeIds: true },
};

/** @throws WaybillError config_invalid for an unknown preset or capability */
export function resolveCapabilities(
  given: CapabilityPreset | Partial<StorageCapabilities> | undefined = 'aws',
): StorageCapabilities {
  if (typeof given !== 'string') {
    // A storage that is known to apply unsigned headers is taken to apply unsigned ACLs, until it says otherwise.
    const unsignedAcls = given.refusesUnsignedHeaders === false;
    return freeze({ ...capabilityPresets.aws, unsignedAcls, ...known(given) });
  }
  if (!Object.hasOwn(capabilityPresets, given))
    throw new WaybillError(
      'config_invalid',
      `Unknown capabilities; there are ${Object.keys(capabilityPresets).join(', ')}.`,
    );
  return freeze({ ...capabilityPresets[given] });
}

function known(given: Partial<StorageCapabilities>): Partial<StorageCapabilities> {
  for (const [name, value] of Object.entries(given)) {
    const model = Object.hasOwn(none, name) ? none[name as keyof StorageCapabilities] : undefined;
    const fits = Array.isArray(model)
      ? Array.isArray(value) && value.every((item) => everyChecksum.includes(item))
      : typeof value === typeof model;
    if (model === undefined || !fits)
      throw new WaybillError('config_invalid', `capabilities.${name} is unknown or of the wrong type.`);
  }
  return given;
}

function freeze(capabilities: StorageCapabilities): StorageCapabilities {
  return Object.freeze(capabilities);
}
