import {
  chooseSpelling,
  isContentTypeAllowed,
  isNamedType,
  listOtherTypes,
  type ResolvedType,
} from '../../protocol/content-types.ts';
import { type Checksum, type StoredFile, WaybillError } from '../../protocol/index.ts';
import type { ObjectInfo } from '../../s3/index.ts';
import { storageError } from '../../s3/internal.ts';
import type { ResolvedRoute } from '../config.ts';
import { checksumMismatch, refusedUpload } from '../shared/errors.ts';
import { md5OfEtag } from '../shared/md5-of-etag.ts';
import { type Claims, isSameDeclaration, type SizedClaims } from '../state/claims.ts';
import { type ClientReport, type CompositeChecksum, compareChecksum } from './check-parts.ts';
import { detectType, findMatchingType } from './content-check.ts';
import type { CompletionRun } from './run.ts';
import type { StagedObject } from './staged-object.ts';

/**
 * Headers that a sender can add without a signature and that would change how the file is shown to others (C10).
 * `fetch` itself adds `Cache-Control: no-cache` to every request with If-None-Match, which is harmless because the copy
 * replaces it. https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
const unsignedHeaders = [
  ['contentEncoding', 'Content-Encoding', null],
  ['contentDisposition', 'Content-Disposition', null],
  ['cacheControl', 'Cache-Control', /^(no-cache|max-age=0)$/i],
] as const;

export interface VerifiedObject {
  checksum: StoredFile['checksum'];
  /** The type that the content has. */
  contentType: string;
}

/**
 * Whether the object was sent with another receipt of this upload, as a repeated grant request creates one. With a
 * ledger, which knows what was granted, any receipt of the upload is accepted; otherwise the receipt must have the same
 * declaration.
 */
function isReceiptOf(sent: Claims | undefined, { ...claims }: Claims, receipt: string | null): boolean {
  if (!sent || sent.uploadId !== claims.uploadId) return false;
  return receipt === null || isSameDeclaration(sent, claims);
}

/**
 * Compares the staged object with what was granted. The storage should have checked most of it when the object arrived;
 * if it did not, that is noticed here.
 *
 * @throws {WaybillError} `size_mismatch`, `content_type_mismatch`, `checksum_mismatch` or `upload_rejected`
 */
export async function verifyStaged(
  { services, route, opened, report }: CompletionRun,
  claims: SizedClaims,
  { info, head }: StagedObject,
  composite: CompositeChecksum | null,
): Promise<VerifiedObject> {
  const { receipt } = opened;
  const sent = info.metadata.waybill ?? '';
  const fromObject = sent === receipt ? null : services.openReceipt(sent);
  if (sent !== receipt && !isReceiptOf(fromObject?.claims, claims, receipt))
    throw refusedUpload('The object at the storage was not sent with this permission.');
  if (info.size !== claims.size)
    throw new WaybillError('size_mismatch', 'The file did not arrive whole. Send it again.', {
      details: { declared: claims.size, stored: info.size },
    });
  if (info.contentType !== claims.contentType)
    throw new WaybillError('content_type_mismatch', 'The file was sent as another type than declared. Send it again.', {
      details: { declared: claims.contentType, hint: `The object has the type ${info.contentType}.` },
    });
  for (const [field, header, harmless] of unsignedHeaders) {
    const value = info[field] ?? '';
    if (value !== '' && !harmless?.test(value))
      throw refusedUpload(`The file was sent with ${header}, which was not part of the permission.`);
  }
  const checksum =
    claims.partSize === null ? verifyChecksum(claims, info) : verifyComposite(route, info, composite, report);
  // A row of the ledger does not say whether the type was guessed. The receipt of the object does.
  const guessed = (fromObject?.claims ?? claims).guessed ?? false;
  return { checksum, contentType: await verifyContentType(route, claims, guessed, head) };
}

/**
 * Returns the signed type, or the type of the content where the name and the declaration leave it open and the route
 * allows it.
 */
async function verifyContentType(
  { limits }: ResolvedRoute,
  claims: SizedClaims,
  guessed: ResolvedType['guessed'],
  head: Uint8Array,
): Promise<string> {
  const { contentTypes } = limits;
  const { contentType, fileName } = claims;
  if (guessed === 'by-content') {
    const found = await detectType(head);
    if (found !== null && isContentTypeAllowed(contentTypes, found)) return chooseSpelling(contentTypes, found);
    if (isContentTypeAllowed(contentTypes, contentType)) return contentType;
    throw typeMismatch(contentType, found ?? 'something unrecognised');
  }
  const types = [contentType, ...listOtherTypes(contentTypes, { contentType, fileName, guessed })];
  const verdict = await findMatchingType(types, head, (type) => isNamedType(contentTypes, type));
  if (verdict.contentType !== null) return verdict.contentType;
  throw typeMismatch(contentType, verdict.looksLike ?? 'something unrecognised');
}

function typeMismatch(declared: string, detected: string): WaybillError {
  return new WaybillError(
    'content_type_mismatch',
    `This file is said to be ${declared}, but its content looks like ${detected}.`,
    { details: { declared, detected } },
  );
}

/**
 * Compares the checksum that the storage reports with the granted one. The storage has verified the bytes when they
 * arrived, because the checksum is in the signed request. The bytes are not read here.
 */
function verifyChecksum(claims: SizedClaims, info: ObjectInfo): Checksum | null {
  const granted = claims.checksum;
  if (!granted) return info.checksums.sha256 ? { algorithm: 'sha256', value: info.checksums.sha256 } : null;
  if (granted.algorithm === 'md5') {
    // For an encrypted object, and at some gateways, the ETag is not the MD5. Then the granted MD5 is returned, which
    // the storage has verified as the Content-MD5 of the request.
    const told =
      info.encryption === undefined || info.encryption === 'AES256'
        ? md5OfEtag(info.etag)?.toString('base64')
        : undefined;
    if (told === undefined || told === granted.value) return granted;
  } else {
    const told = info.checksums[granted.algorithm];
    if (told === granted.value) return granted;
    if (told === undefined)
      throw storageError(
        'storage_rejected',
        `The storage does not tell the ${granted.algorithm} checksum of an object that was sent with one. Set \`capabilities\` of s3Storage() to what this storage verifies.`,
      );
  }
  throw checksumMismatch('The object at the storage has another checksum than was declared.');
}

/** Checks that the stored parts are those that the client reports. The storage has verified the bytes of each part. */
function verifyComposite(
  route: ResolvedRoute,
  info: ObjectInfo,
  composite: CompositeChecksum | null,
  report: ClientReport,
): CompositeChecksum | null {
  if (route.checksum === null) return null;
  const stored = parseCompositeChecksum(info, route.checksum);
  if (stored && composite && (stored.value !== composite.value || stored.parts !== composite.parts))
    throw checksumMismatch('The object at the storage has another checksum than its parts.');
  const known = stored ?? composite;
  if (report.checksum && known) compareChecksum(known, report.checksum);
  return known;
}

/** HEAD reports `digest-parts`: the digest is base64, or for MD5 hexadecimal in the ETag. */
function parseCompositeChecksum(
  { checksums, etag }: ObjectInfo,
  algorithm: 'sha256' | 'md5',
): CompositeChecksum | null {
  const found =
    algorithm === 'md5' ? /^"?([0-9a-f]{32})-(\d+)"?$/.exec(etag) : /^(.+)-(\d+)$/.exec(checksums[algorithm] ?? '');
  if (!found) return null;
  const value = algorithm === 'md5' ? Buffer.from(found[1] as string, 'hex').toString('base64') : (found[1] as string);
  return { algorithm, value, parts: Number(found[2]) };
}

export function describeFile(claims: SizedClaims): Omit<StoredFile, 'url' | 'storedAt' | 'etag' | 'checksum'> {
  const { uploadId, route, key, fileName, size, contentType, charset } = claims;
  return { uploadId, route, key, fileName, size, contentType, ...(charset === undefined ? {} : { charset }) };
}
