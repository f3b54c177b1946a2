/** Compares the parts at the storage with the file that was granted, and with what the client reports. */
import { hash } from 'node:crypto';
import {
  type Checksum,
  checkSize,
  isWaybillError,
  type MultipartCompletion,
  partBytes,
  WaybillError,
} from '../../protocol/index.ts';
import type { PartInfo } from '../../s3/index.ts';
import type { ResolvedRoute } from '../config.ts';
import { checksumMismatch, damagedParts, invalid } from '../shared/errors.ts';
import { md5OfEtag } from '../shared/md5-of-etag.ts';
import type { Claims } from '../state/claims.ts';

/** What the client reports about its finished upload. */
export type ClientReport = Pick<MultipartCompletion, 'checksum' | 'size'>;

export type CompositeChecksum = Checksum & { parts: number };

export interface CheckedParts {
  /** The size of the file, in bytes. */
  size: number;
  /** Sorted by part number. */
  parts: PartInfo[];
  /** The checksum of the parts' checksums; null on a route without checksums. */
  checksum: CompositeChecksum | null;
}

/** A response lists at most this many missing parts. */
const maxListed = 1000;

/**
 * @throws {WaybillError} `object_not_ready` with `details.missing`, `part_invalid`, `size_mismatch`, `file_too_large`,
 * `file_too_small`, `checksum_mismatch`, `invalid_request` for a stream without its size
 */
export function checkParts(
  route: ResolvedRoute,
  claims: Claims,
  listed: readonly PartInfo[],
  report: ClientReport,
): CheckedParts {
  const partSize = claims.partSize as number;
  const size = requireSize(route, claims, report);
  const partCount = Math.max(1, Math.ceil(size / partSize));
  const parts = [...listed].sort((a, b) => a.partNumber - b.partNumber);
  const there = new Set<number>();
  for (const part of parts) {
    const planned = partBytes(size, partSize, part.partNumber);
    if (part.partNumber > partCount || part.size !== planned) throw unplannedPart(claims, part, planned, size);
    there.add(part.partNumber);
  }
  if (there.size < partCount) {
    const missing: number[] = [];
    for (let n = 1; n <= partCount && missing.length < maxListed; n += 1) if (!there.has(n)) missing.push(n);
    throw new WaybillError('object_not_ready', 'A part of the file has not arrived yet. Try again.', {
      details: { missing, hint: `${partCount - there.size} of ${partCount} parts are not at the storage.` },
    });
  }
  const checksum = route.checksum === null ? null : composeChecksum(route.checksum, parts);
  if (report.checksum) compareChecksum(checksum, report.checksum);
  return { size, parts: parts.map((part) => ({ ...part, checksums: routeChecksums(route, part) })), checksum };
}

/**
 * Keeps only the checksum that the route asks for. A storage may list others, and S3 refuses those in
 * CompleteMultipartUpload when the upload was created without them.
 */
function routeChecksums({ checksum }: ResolvedRoute, { checksums }: PartInfo): PartInfo['checksums'] {
  return checksum === 'sha256' && checksums.sha256 ? { sha256: checksums.sha256 } : {};
}

function requireSize(route: ResolvedRoute, claims: Claims, report: ClientReport): number {
  if (claims.size !== null) {
    if (report.size === undefined || report.size === claims.size) return claims.size;
    throw new WaybillError('size_mismatch', 'The file has changed since the upload started. Send it again.', {
      details: {
        declared: claims.size,
        stored: report.size,
        hint: `The completion says ${report.size} bytes; the permission is for ${claims.size}.`,
      },
    });
  }
  if (report.size === undefined)
    throw invalid([{ path: 'size', message: 'is needed to complete a stream: its size in bytes' }]);
  const refusal = checkSize(route.limits, report.size);
  if (refusal) throw refusal;
  return report.size;
}

/** Creates the error for a part whose number or size differs from the plan. */
function unplannedPart({ size: granted }: Claims, part: PartInfo, planned: number, size: number): WaybillError {
  const { partNumber } = part;
  if (granted === null && planned < part.size)
    return new WaybillError('size_mismatch', 'More bytes arrived than the stream has. Send it again.', {
      details: {
        declared: size,
        stored: size - planned + part.size,
        hint: `Part ${partNumber} has ${part.size} bytes; a stream of ${size} bytes leaves ${planned} for it.`,
      },
    });
  const hint = `Part ${partNumber} has ${part.size} bytes at the storage; the plan has ${planned}.`;
  return damagedParts(hint, { partNumber, size: part.size, planned });
}

/**
 * Computes the digest of the parts' digests, as S3 does.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
function composeChecksum(algorithm: 'sha256' | 'md5', parts: readonly PartInfo[]): CompositeChecksum {
  const length = algorithm === 'md5' ? 16 : 32;
  // One large update of a hash costs less than ten thousand small ones.
  const digests = Buffer.alloc(parts.length * length);
  for (const [index, { partNumber, etag, checksums }] of parts.entries()) {
    const written =
      algorithm === 'md5'
        ? md5OfEtag(etag)?.copy(digests, index * length)
        : digests.write(checksums.sha256 ?? '', index * length, length, 'base64');
    if (written !== length)
      throw damagedParts(`The storage lists no ${algorithm} checksum for part ${partNumber}.`, { partNumber });
  }
  return { algorithm, value: hash(algorithm, digests, 'base64'), parts: parts.length };
}

/** @throws {WaybillError} `checksum_mismatch` */
export function compareChecksum(known: Checksum | null, reported: Checksum): void {
  if (known?.algorithm === reported.algorithm && known.value === reported.value) return;
  if (known === null)
    throw invalid([{ path: 'checksum', message: 'must be left out: this upload has none to compare with' }]);
  throw checksumMismatch('The checksum of the completion is not the one of the parts at the storage.');
}

export function isChecksumMismatch(error: unknown): error is WaybillError {
  return isWaybillError(error) && error.code === 'checksum_mismatch';
}
