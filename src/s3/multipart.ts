/** Multipart uploads as the server needs them; clients send the parts with `presignPart`. */
import type { StorageConfig } from './config.ts';
import { encodeKey } from './encode.ts';
import type { Send } from './http.ts';
import { checkExistingKey, checkKey } from './key.ts';
import { checksumAlgorithms, copyPatience, decodeListed, describing, quoted } from './operations.ts';
import { isS3Error } from './s3-error.ts';
import type { MultipartOperations, ObjectInfo, PartInfo } from './types.ts';
import { childElements, childText, escapeXml, type XmlElement } from './xml.ts';

/** What S3 gives at most on one page. */
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
      const known =
        checksumAlgorithm !== 'md5' && checksumAlgorithm && capabilities.partChecksums.includes(checksumAlgorithm);
      const { document } = await send({
        method: 'POST',
        key: options.key,
        query: [['uploads', '']],
        headers: {
          ...describing(options),
          ...(capabilities.unsignedAcls ? { 'x-amz-acl': 'private' } : {}),
          ...(known
            ? {
                'x-amz-checksum-algorithm': checksumAlgorithm.toUpperCase(),
                'x-amz-checksum-type': typeOf(checksumAlgorithm),
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
        patience: copyPatience,
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        final: ['ConditionalRequestConflict'],
      });
      return { etag: quoted(childText(document, 'ETag') ?? ''), checksums: composedChecksums(document) };
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
      // Not asked for: Ceph then encodes keys without saying so. XML can say every key that we sign.
      const decode = (key = '') => (childText(document, 'EncodingType') === 'url' ? decodeListed(key) : key);
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
        patience: copyPatience,
      });
      return {
        partNumber,
        size: range[1] - range[0] + 1,
        etag: quoted(childText(document, 'ETag') ?? ''),
        checksums: checksumsOf((name) => childText(document, name)),
      };
    },
  };
}

/** CRC64NVME has no composite form, SHA has no other. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
function typeOf(algorithm: string): string {
  return algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE';
}

/** Ceph 16 says NoSuchKey of one that was completed or aborted. */
function isGone(error: unknown): boolean {
  return isS3Error(error) && (error.code === 'NoSuchUpload' || error.code === 'NoSuchKey');
}

const partElements = /<Part>|<(PartNumber|Size|ETag|LastModified|Checksum[A-Z0-9]+)>([^<]*)/g;

/**
 * A page of a thousand parts, in one look for what we know: a general parser takes twenty times as long, and 10,000
 * parts are ten pages. S3 escapes what is inside these elements, so no value contains a tag.
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
    else if (name === 'ETag') part.etag = quoted(value.replace(/&quot;|&#34;/g, '"'));
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

function checksumsOf(textOf: (name: string) => string | undefined): ObjectInfo['checksums'] {
  const checksums: ObjectInfo['checksums'] = {};
  for (const algorithm of checksumAlgorithms) {
    const value = textOf(elementNames[algorithm]);
    if (value) checksums[algorithm] = value;
  }
  return checksums;
}

const elementNames = {
  sha256: 'ChecksumSHA256',
  sha1: 'ChecksumSHA1',
  crc32: 'ChecksumCRC32',
  crc32c: 'ChecksumCRC32C',
  crc64nvme: 'ChecksumCRC64NVME',
} as const satisfies Record<(typeof checksumAlgorithms)[number], string>;

const algorithmsByElement: ReadonlyMap<string, (typeof checksumAlgorithms)[number]> = new Map(
  checksumAlgorithms.map((algorithm) => [elementNames[algorithm], algorithm]),
);

function partXml({ partNumber, etag, checksums }: PartInfo): string {
  let listed = '';
  for (const algorithm of checksumAlgorithms)
    if (checksums[algorithm])
      listed += `<${elementNames[algorithm]}>${checksums[algorithm]}</${elementNames[algorithm]}>`;
  // Ten thousand of them go through here; all that S3 gives look like this.
  const inner = /^"([\w-]+)"$/.exec(etag)?.[1];
  const escaped = inner === undefined ? escapeXml(etag) : `&quot;${inner}&quot;`;
  return `<Part><ETag>${escaped}</ETag>${listed}<PartNumber>${partNumber}</PartNumber></Part>`;
}

function composedChecksums(document: XmlElement): ObjectInfo['checksums'] {
  return checksumsOf((name) => childText(document, name)?.replace(/-\d+$/, ''));
}
