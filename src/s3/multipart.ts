/** The operations on multipart uploads that a server sends. Clients send the parts, with `presignPart`. */
import type { StorageConfig } from './config.ts';
import { decodeListedKey, encodeKey } from './encode.ts';
import { findElementText, readChecksums, readComposedChecksums, readParts, writePartXml } from './multipart-xml.ts';
import { objectHeaders, quoteEtag } from './object-info.ts';
import { checkExistingKey, checkKey } from './object-key.ts';
import { isS3Error } from './s3-error.ts';
import type { Send } from './send.ts';
import type { MultipartListing, MultipartOperations, PartInfo } from './types.ts';
import { copyTimeoutFactor } from './write-operations.ts';
import { childElements, childText } from './xml.ts';

export function createMultipartOperations(config: StorageConfig, send: Send): MultipartOperations {
  const { capabilities } = config;

  return {
    createMultipart: (options) => createMultipart(config, send, options),

    listParts: (key, multipartId) => listParts(send, key, multipartId),

    async completeMultipart({ key, multipartId, parts, size, once = true }) {
      checkKey(key);
      const listed = parts.map(writePartXml).join('');
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
      return { etag: quoteEtag(childText(document, 'ETag') ?? ''), checksums: readComposedChecksums(document) };
    },

    async abortMultipart(key, multipartId) {
      checkExistingKey(key);
      try {
        await send({ method: 'DELETE', key, query: [['uploadId', multipartId]] });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },

    listMultiparts: (options) => listMultiparts(send, options),

    copyPart: (options) => copyPart(config, send, options),
  };
}

async function createMultipart(
  { capabilities }: StorageConfig,
  send: Send,
  { checksumAlgorithm, ...options }: Parameters<MultipartOperations['createMultipart']>[0],
): Promise<{ multipartId: string }> {
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
}

async function copyPart(
  { bucket }: StorageConfig,
  send: Send,
  { from, sourceEtag, to, multipartId, partNumber, range }: Parameters<MultipartOperations['copyPart']>[0],
): Promise<PartInfo> {
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
    checksums: readChecksums((name) => childText(document, name)),
  };
}

/** The limit of S3 for one page. */
const partsPerPage = 1000;

async function listParts(send: Send, key: string, multipartId: string): Promise<PartInfo[] | null> {
  checkExistingKey(key);
  const parts: PartInfo[] = [];
  for (;;) {
    try {
      const page = await listPartsPage(send, key, multipartId, parts.at(-1)?.partNumber ?? 0);
      parts.push(...page.parts);
      if (!page.truncated || page.parts.length === 0) return parts;
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}

async function listPartsPage(send: Send, key: string, multipartId: string, marker: number) {
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
  return { parts: readParts(text), truncated: findElementText(text, 'IsTruncated') === 'true' };
}

async function listMultiparts(
  send: Send,
  { prefix, next }: Parameters<MultipartOperations['listMultiparts']>[0],
): Promise<MultipartListing> {
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
