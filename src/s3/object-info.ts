/** Converts between the headers of an object and the options and results of operations. */
import { checksumAlgorithms, checksumTable } from './checksums.ts';
import type { ResponseHeaders } from './exchange.ts';
import { metadataHeaders } from './signed-values.ts';
import type { CopyOptions, ObjectInfo } from './types.ts';

/** The headers that PutObject, CopyObject and CreateMultipartUpload store with an object. */
export function objectHeaders(options: Omit<CopyOptions, 'from' | 'to'>): Record<string, string> {
  return {
    'content-type': options.contentType,
    ...(options.cacheControl === undefined ? {} : { 'cache-control': options.cacheControl }),
    ...(options.contentDisposition === undefined ? {} : { 'content-disposition': options.contentDisposition }),
    ...Object.fromEntries(metadataHeaders(options.metadata ?? {})),
  };
}

const optionalHeaders = {
  contentEncoding: 'content-encoding',
  contentDisposition: 'content-disposition',
  cacheControl: 'cache-control',
  versionId: 'x-amz-version-id',
} as const;

export function readObjectInfo(key: string, headers: ResponseHeaders): ObjectInfo {
  const size = Number(/\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length'] ?? 0);
  const info: ObjectInfo = {
    key,
    size,
    contentType: headers['content-type'] ?? '',
    etag: headers.etag ?? '',
    lastModified: headers['last-modified'] ?? '',
    checksums: {},
    metadata: {},
  };
  for (const algorithm of checksumAlgorithms) {
    const value = headers[checksumTable[algorithm].header];
    if (value !== undefined) info.checksums[algorithm] = value;
  }
  for (const name in headers)
    if (name.startsWith('x-amz-meta-')) info.metadata[name.slice(11)] = headers[name] as string;
  for (const [property, name] of Object.entries(optionalHeaders)) {
    const value = headers[name];
    if (value !== undefined) info[property as keyof typeof optionalHeaders] = value;
  }
  const writeId = headers['x-goog-generation'] ?? headers['x-amz-version-id'];
  // In a bucket whose versioning is suspended, the id of every version is "null".
  if (writeId !== undefined && writeId !== 'null') info.writeId = writeId;
  const encryption =
    headers['x-amz-server-side-encryption'] ??
    (headers['x-amz-server-side-encryption-customer-algorithm'] === undefined ? undefined : 'SSE-C');
  if (encryption !== undefined) info.encryption = encryption;
  return info;
}

/** Ceph omits the quotes of an ETag in XML, but not in headers. */
export function quoteEtag(etag: string): string {
  return etag === '' || etag.endsWith('"') ? etag : `"${etag}"`;
}
