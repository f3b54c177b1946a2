/** The operations on multipart uploads that a server sends. Clients send the parts, with `presignPart`. */

import { checksumAlgorithms, checksumTable } from './checksums.ts';
import type { StorageConfig } from './config.ts';
import { encodeKey } from './encode.ts';
import { objectHeaders, quoteEtag } from './object-info.ts';
import { checkExistingKey, checkKey } from './object-key.ts';
import { copyTimeoutFactor, decodeListedKey } from './operations.ts';
import { isS3Error } from './s3-error.ts';
import type { Send } from './send.ts';
import type { MultipartOperations, PartInfo, S3ChecksumAlgorithm, StoredChecksums } from './types.ts';
import { childElements, childText, escapeXml, type XmlElement } from './xml.ts';

/** The limit of S3 for one page. */
const partsPerPage = 1000;

export function createMultipartOperations(config: StorageConfig, send: Send): MultipartOperations {
  const { bucket, capabilities } = config;

  async function partsPage(key: string, multipartId: string, marker: number) {
    const { text } = await send({
      method: 'GET',
      key,
      query: [
        ['max-parts', String(partsPerPage)],
        ...(marker > 0 ? [['part-number-marker', String(marker)] as const] : []),
        ['uploadId', multipartId],
      ],
      root: 'ListPartsResult',
      raw: true,
    });
    return { parts: readParts(text), truncated: elementText(text, 'IsTruncated') === 'true' };
  }

  return {
    async createMultipart({ checksumAlgorithm, ...options }) {
      checkKey(options.key);
      const isSupported =
        checksumAlgorithm !== 'md5' && checksumAlgorithm && capabilities.partChecksums.includes(checksumAlgorithm);
      const { document } = await send({
        method: 'POST',
        key: options.key,
        query: [['uploads', '']],
        headers: {
          ...objectHeaders(options),
          ...(capabilities.unsignedAcls ? { 'x-amz-acl': 'private' } : {}),
          ...(isSupported
            ? {
                'x-amz-checksum-algorithm': checksumAlgorithm.toUpperCase(),
                'x-amz-checksum-type': checksumType(checksumAlgorithm),
              }
            : {}),
        },
        root: 'InitiateMultipartUploadResult',
      });
      return { multipartId: childText(document, 'UploadId') ?? '' };
    },

    async listParts(key, multipartId) {
      checkExistingKey(key);
      const parts: PartInfo[] = [];
      for (;;) {
        try {
          const page = await partsPage(key, multipartId, parts.at(-1)?.partNumber ?? 0);
          parts.push(...page.parts);
          if (!page.truncated || page.parts.length === 0) return parts;
        } catch (error) {
          if (isGone(error)) return null;
          throw error;
        }
      }
    },

    async completeMultipart({ key, multipartId, parts, size, once = true }) {
      checkKey(key);
      const listed = parts.map(partXml).join('');
      const { document } = await send({
        method: 'POST',
        key,
        query: [['uploadId', multipartId]],
        headers: {
          'content-type': 'application/xml',
          ...(capabilities.completeOnce ? { 'x-amz-mp-object-size': String(size) } : {}),
          ...(once && capabilities.completeOnce ? { 'if-none-match': '*' } : {}),
        },
        body: Buffer.from(`<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`),
        root: 'CompleteMultipartUploadResult',
        timeoutFactor: copyTimeoutFactor,
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        doNotRetry: ['ConditionalRequestConflict'],
      });
      return { etag: quoteEtag(childText(document, 'ETag') ?? ''), checksums: composedChecksums(document) };
    },

    async abortMultipart(key, multipartId) {
      checkExistingKey(key);
      try {
        await send({ method: 'DELETE', key, query: [['uploadId', multipartId]] });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },

    async listMultiparts({ prefix, next }) {
      const { document } = await send({
        method: 'GET',
        query: [
          ...(next ? [['key-marker', next.keyMarker] as const] : []),
          ['prefix', prefix],
          ...(next ? [['upload-id-marker', next.multipartIdMarker] as const] : []),
          ['uploads', ''],
        ],
        root: 'ListMultipartUploadsResult',
      });
      // `encoding-type` is not sent, because Ceph then encodes keys without saying so. XML can represent every key we
      // sign.
      const decode = (key = '') => (childText(document, 'EncodingType') === 'url' ? decodeListedKey(key) : key);
      const truncated = childText(document, 'IsTruncated') === 'true';
      return {
        uploads: childElements(document, 'Upload').map((upload) => ({
          key: decode(childText(upload, 'Key')),
          multipartId: childText(upload, 'UploadId') ?? '',
          initiated: childText(upload, 'Initiated') ?? '',
        })),
        ...(truncated
          ? {
              next: {
                keyMarker: decode(childText(document, 'NextKeyMarker')),
                multipartIdMarker: childText(document, 'NextUploadIdMarker') ?? '',
              },
            }
          : {}),
      };
    },

    async copyPart({ from, sourceEtag, to, multipartId, partNumber, range }) {
      checkExistingKey(from);
      checkKey(to);
      const { document } = await send({
        method: 'PUT',
        key: to,
        query: [
          ['partNumber', String(partNumber)],
          ['uploadId', multipartId],
        ],
        headers: {
          'x-amz-copy-source': `/${bucket}/${encodeKey(from)}`,
          'x-amz-copy-source-range': `bytes=${range[0]}-${range[1]}`,
          ...(sourceEtag === undefined ? {} : { 'x-amz-copy-source-if-match': sourceEtag }),
        },
        root: 'CopyPartResult',
        timeoutFactor: copyTimeoutFactor,
      });
      return {
        partNumber,
        size: range[1] - range[0] + 1,
        etag: quoteEtag(childText(document, 'ETag') ?? ''),
        checksums: checksumsOf((name) => childText(document, name)),
      };
    },
  };
}

/**
 * CRC64NVME has only a full-object form, and SHA only a composite form.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
function checksumType(algorithm: string): string {
  return algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE';
}

/** Ceph 16 answers NoSuchKey after the multipart upload was completed or aborted. */
function isGone(error: unknown): boolean {
  return isS3Error(error) && (error.code === 'NoSuchUpload' || error.code === 'NoSuchKey');
}

const algorithmsByElement: ReadonlyMap<string, S3ChecksumAlgorithm> = new Map(
  checksumAlgorithms.map((algorithm) => [checksumTable[algorithm].element, algorithm]),
);

const partElements = /<Part>|<(PartNumber|Size|ETag|LastModified|Checksum[A-Z0-9]+)>([^<]*)/g;

/**
 * Reads a page of up to 1,000 parts with one regular expression. A general parser takes twenty times as long, and
 * 10,000 parts are ten pages. S3 escapes the text of these elements, so no value contains a tag.
 */
function readParts(text: string): PartInfo[] {
  const parts: PartInfo[] = [];
  let part: PartInfo | undefined;
  for (const [, name, value = ''] of text.matchAll(partElements)) {
    if (name === undefined) {
      part = { partNumber: 0, size: 0, etag: '', checksums: {} };
      parts.push(part);
    } else if (!part) continue;
    else if (name === 'PartNumber') part.partNumber = Number(value);
    else if (name === 'Size') part.size = Number(value);
    else if (name === 'LastModified') part.lastModified = value;
    else if (name === 'ETag') part.etag = quoteEtag(value.replace(/&quot;|&#34;/g, '"'));
    else {
      const algorithm = algorithmsByElement.get(name);
      if (algorithm && value) part.checksums[algorithm] = value;
    }
  }
  return parts;
}

function elementText(text: string, name: string): string | undefined {
  const open = text.indexOf(`<${name}>`);
  if (open === -1) return undefined;
  const start = open + name.length + 2;
  return text.slice(start, text.indexOf('<', start));
}

function checksumsOf(textOf: (name: string) => string | undefined): StoredChecksums {
  const checksums: StoredChecksums = {};
  for (const algorithm of checksumAlgorithms) {
    const value = textOf(checksumTable[algorithm].element);
    if (value) checksums[algorithm] = value;
  }
  return checksums;
}

function partXml({ partNumber, etag, checksums }: PartInfo): string {
  let listed = '';
  for (const algorithm of checksumAlgorithms)
    if (checksums[algorithm])
      listed += `<${checksumTable[algorithm].element}>${checksums[algorithm]}</${checksumTable[algorithm].element}>`;
  // The usual form needs no general escaping; a request lists up to 10,000 parts.
  const inner = /^"([\w-]+)"$/.exec(etag)?.[1];
  const escaped = inner === undefined ? escapeXml(etag) : `&quot;${inner}&quot;`;
  return `<Part><ETag>${escaped}</ETag>${listed}<PartNumber>${partNumber}</PartNumber></Part>`;
}

function composedChecksums(document: XmlElement): StoredChecksums {
  return checksumsOf((name) => childText(document, name)?.replace(/-\d+$/, ''));
}
