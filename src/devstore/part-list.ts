/**
 * Compares the parts that CompleteMultipartUpload lists with the stored parts, and derives the ETag and the checksum.
 */
import { createHash } from 'node:crypto';
import {
  type Algorithm,
  algorithmNames,
  algorithms,
  checksumElementName,
  defaultAlgorithm,
  type ObjectChecksum,
} from './checksums.ts';
import { combineCrcs } from './crc-combine.ts';
import { invalidRequest, StoreError } from './errors.ts';
import type { StoredPart } from './upload-index.ts';
import type { UploadInfo } from './upload-info.ts';
import { checkElement, getChildren, getChildText, malformed, readXml } from './xml-read.ts';

export interface ListedPart {
  partNumber: number;
  /** Without quotes. */
  etag: string;
  checksums: [algorithm: Algorithm, value: string][];
}

export interface SelectedPart {
  partNumber: number;
  size: number;
  etag: string;
  /** Base64, by the algorithm of the upload or the default one. */
  checksum: string | undefined;
}

export const maxParts = 10_000;
export const minPartBytes = 5 * 1024 * 1024;

/** @throws StoreError MalformedXML, InvalidRequest */
export function readPartList(document: Buffer): ListedPart[] {
  if (document.length === 0) throw invalidRequest('You must specify at least one part');
  const root = checkElement(readXml(document), 'CompleteMultipartUpload', ['Part']);
  const parts = getChildren(root, 'Part').map((part): ListedPart => {
    checkElement(part, 'Part', ['PartNumber', 'ETag', ...algorithmNames.map(checksumElementName)]);
    const number = getChildText(part, 'PartNumber')?.trim() ?? '';
    const etag = getChildText(part, 'ETag')?.trim().replaceAll('"', '');
    if (!/^\d{1,9}$/.test(number) || etag === undefined) throw malformed();
    const checksums = algorithmNames.flatMap((algorithm): [Algorithm, string][] => {
      const value = getChildText(part, checksumElementName(algorithm))?.trim();
      return value === undefined ? [] : [[algorithm, value]];
    });
    return { partNumber: Number(number), etag, checksums };
  });
  if (parts.length === 0 || parts.length > maxParts) throw malformed();
  return parts;
}

/** @throws StoreError InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest, BadDigest */
export function selectParts(
  listed: readonly ListedPart[],
  storedParts: ReadonlyMap<number, StoredPart>,
  upload: UploadInfo,
): SelectedPart[] {
  for (const [index, { partNumber }] of listed.entries())
    if (index > 0 && partNumber <= (listed[index - 1]?.partNumber ?? 0))
      throw new StoreError('InvalidPartOrder', { details: { UploadId: upload.multipartId } });
  const selected = listed.map((part): SelectedPart => {
    const { partNumber, etag } = part;
    const stored = storedParts.get(partNumber);
    if (!stored || stored.etag !== etag) throw invalidPart(part, upload);
    checkPartChecksum(part, stored, upload);
    return { partNumber, size: stored.size, etag, checksum: stored.checksum?.value };
  });
  for (const { partNumber, size, etag } of selected.slice(0, -1))
    if (size < minPartBytes)
      throw new StoreError('EntityTooSmall', {
        details: {
          ProposedSize: String(size),
          MinSizeAllowed: String(minPartBytes),
          PartNumber: String(partNumber),
          ETag: etag,
        },
      });
  return selected;
}

function invalidPart({ partNumber, etag }: ListedPart, { multipartId }: UploadInfo): StoreError {
  return new StoreError('InvalidPart', {
    details: { UploadId: multipartId, PartNumber: String(partNumber), ETag: etag },
  });
}

function checkPartChecksum(part: ListedPart, stored: StoredPart, upload: UploadInfo): void {
  const { algorithm, type } = upload;
  for (const [given, value] of part.checksums) {
    if (algorithm !== undefined && given !== algorithm)
      throw new StoreError('BadDigest', {
        message: `The ${given.toLowerCase()} you specified for part ${part.partNumber} did not match what we received.`,
      });
    if (algorithm === undefined || stored.checksum?.value !== value) throw invalidPart(part, upload);
  }
  if (type === 'COMPOSITE' && part.checksums.length === 0)
    throw invalidRequest(
      `The upload was created using a ${algorithm?.toLowerCase()} checksum. The complete request must ` +
        `include the checksum for each part. It was missing for part ${part.partNumber} in the request.`,
    );
}

/** Computes the ETag: the MD5 of the parts' MD5s, and the number of parts. */
export function multipartEtag(parts: readonly SelectedPart[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

export function multipartChecksum(
  { algorithm = defaultAlgorithm, type }: UploadInfo,
  parts: readonly SelectedPart[],
): ObjectChecksum {
  const pieces = parts.map(({ checksum = '', size }) => ({ checksum, size }));
  if (type !== 'COMPOSITE') {
    const value = combineCrcs(algorithm, pieces);
    if (value !== undefined) return { algorithm, value, type: 'FULL_OBJECT' };
  }
  const digest = algorithms[algorithm].create();
  for (const { checksum } of pieces) digest.update(Buffer.from(checksum, 'base64'));
  return { algorithm, value: `${digest.digest()}-${parts.length}`, type: 'COMPOSITE' };
}
