/** Finds the file that an app names: by its `uploadId`, its reference, or its URL. */
import { isWaybillError, type StoredFile, WaybillError } from '../../protocol/index.ts';
import type { ObjectInfo } from '../../s3/index.ts';
import { readFileChecksum } from '../completion/promote.ts';
import type { Config } from '../config.ts';
import { isCharset, splitCharset } from '../shared/charset.ts';
import { uploadNotFound } from '../shared/errors.ts';
import { isUploadId } from '../shared/upload-id.ts';
import type { UploadRecord } from '../state/ledger.ts';
import { isObjectOfUpload } from '../state/stored-object.ts';
import type { ViewRef, ViewRefs } from '../views/view-refs.ts';
import type { FileOptions, OwnedFile } from './types.ts';

export interface FileContext {
  config: Config;
  readonly refs: ViewRefs;
  viewUrl: (file: ViewRef) => string;
}

export interface FoundFile {
  ref: ViewRef;
  /** Null without a ledger, and for a file that was stored before there was one. */
  record: UploadRecord | null;
}

/**
 * @throws {WaybillError} `upload_not_found` for an unknown or a deleted file and for one of another owner,
 * `config_invalid` for an `uploadId` without a ledger
 */
export async function findFile(context: FileContext, file: string, options: FileOptions = {}): Promise<FoundFile> {
  const found = isUploadId(file) ? await findById(context, file) : await findByReference(context, file);
  const belongsToAnother = options.ownerId !== undefined && found?.ref.ownerId !== options.ownerId;
  if (!found || belongsToAnother) throw uploadNotFound();
  return found;
}

async function findById({ config: { ledger } }: FileContext, uploadId: string): Promise<FoundFile | null> {
  if (!ledger) throw needsLedger('Naming a file by its `uploadId`', 'Pass the `url` of the file.');
  const record = await ledger.find(uploadId);
  return record && isStored(record) ? { record, ref: refOfRecord(record) } : null;
}

async function findByReference({ config, refs }: FileContext, file: string): Promise<FoundFile | null> {
  const ref = refs.read(referenceIn(file));
  if (!ref) return null;
  const record = (await config.ledger?.find(ref.uploadId)) ?? null;
  if (!record) return { ref, record };
  return isStored(record) && record.key === ref.key ? { record, ref: refOfRecord(record) } : null;
}

/** Returns the reference at the end of a `file.url`. A text without a slash is the reference itself. */
function referenceIn(text: string): string {
  const [path = ''] = text.split(/[?#]/, 1);
  return path.slice(path.lastIndexOf('/') + 1);
}

const isStored = ({ state, file }: UploadRecord) => state === 'completed' && file !== null;

function refOfRecord({ uploadId, route, ownerId, key, file, fileName, contentType }: UploadRecord): ViewRef {
  const charset = isCharset(file?.charset) ? file.charset : undefined;
  return { uploadId, route, ownerId, key, fileName, contentType: file?.contentType ?? contentType, charset };
}

/** Returns the object of the file; null when it is gone, or another upload has stored its own object at the key. */
export async function findObject(
  { storage, ledger }: Pick<Config, 'storage' | 'ledger'>,
  { ref }: FoundFile,
): Promise<ObjectInfo | null> {
  const info = await storage.head(ref.key);
  return info && (await isObjectOfUpload(ledger, info, ref)) ? info : null;
}

/** Describes a file from its record, or without one from its object. */
export function describeOwnedFile(context: FileContext, { ref, record }: FoundFile, info: ObjectInfo): OwnedFile {
  return record ? describeRecord(record) : { ...describeObject(context, ref, info), ownerId: ref.ownerId };
}

export function describeRecord({ file, ownerId, metadata }: UploadRecord): OwnedFile {
  return { ...(file as StoredFile), ownerId, metadata };
}

function describeObject({ viewUrl }: FileContext, ref: ViewRef, info: ObjectInfo): StoredFile {
  const { uploadId, route, key, fileName } = ref;
  const { contentType, charset } = splitCharset(info.contentType);
  return {
    uploadId,
    route,
    key,
    fileName,
    size: info.size,
    contentType,
    ...(charset === undefined ? {} : { charset }),
    checksum: readFileChecksum(info) ?? sha256Of(info),
    etag: info.etag,
    url: viewUrl({ ...ref, contentType, charset }),
    storedAt: new Date(info.lastModified).toISOString(),
  };
}

function sha256Of({ checksums: { sha256 } }: ObjectInfo): StoredFile['checksum'] {
  // A composite checksum of parts has the number of parts after a hyphen.
  return sha256 === undefined || sha256.includes('-') ? null : { algorithm: 'sha256', value: sha256 };
}

/** Creates the error of a call that needs a ledger. */
export function needsLedger(subject: string, instead = 'Set the option `ledger` of createUploads().'): WaybillError {
  return new WaybillError('config_invalid', `${subject} needs a ledger. ${instead}`);
}

/** Turns `upload_not_found` into null. */
export function nullWhenMissing(error: unknown): null {
  if (isWaybillError(error) && error.code === 'upload_not_found') return null;
  throw error;
}
