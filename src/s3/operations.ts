/** The operations a server needs, each a few lines over one `send`. */
import { hash } from 'node:crypto';
import type { StorageConfig } from './config.ts';
import { encodeKey } from './encode.ts';
import type { AnswerHeaders } from './exchange.ts';
import type { S3Answer, Send } from './http.ts';
import { checkExistingKey, checkKey } from './key.ts';
import { isS3Error } from './s3-error.ts';
import { metadataHeaders } from './signed-facts.ts';
import type { CopyOptions, ListPage, ObjectInfo, ObjectOperations, PutOptions } from './types.ts';
import { childElements, childText, escapeXml, isXmlText } from './xml.ts';

/** S3's limit for one DeleteObjects. */
const keysPerDelete = 1000;
/** A copy of 5 GB takes its time, and not every storage sends spaces meanwhile. */
export const copyPatience = 12;

export function createOperations(config: StorageConfig, send: Send): ObjectOperations {
  const { bucket, capabilities } = config;
  const withChecksums: Record<string, string> = capabilities.checksums.length
    ? { 'x-amz-checksum-mode': 'ENABLED' }
    : {};

  /** Null for what is missing, even where S3 says 403 because we may not know. */
  async function orMissing(key: string, asked: Promise<S3Answer>): Promise<S3Answer | null> {
    try {
      return await asked;
    } catch (error) {
      if (!isS3Error(error)) throw error;
      if (error.status === 404 && error.code !== 'NoSuchBucket') return null;
      if (error.status === 403 && (await isMissing(key))) return null;
      throw error;
    }
  }

  /** False also when a listing is denied: then the 403 stands. Another refusal of it says more than a HEAD can. */
  async function isMissing(key: string): Promise<boolean> {
    try {
      const { objects } = await list({ prefix: key, maxKeys: 1 });
      // Of all keys with this prefix, the key itself sorts first.
      return objects[0]?.key !== key;
    } catch (error) {
      if (isS3Error(error) && error.status === 403 && error.code === 'AccessDenied') return false;
      throw error;
    }
  }

  async function list({
    prefix,
    continuationToken,
    maxKeys = 1000,
  }: Parameters<ObjectOperations['list']>[0]): Promise<ListPage> {
    const { document } = await send({
      method: 'GET',
      query: [
        ...(continuationToken === undefined ? [] : [['continuation-token', continuationToken] as const]),
        // Keys may hold what XML cannot.
        ['encoding-type', 'url'],
        ['list-type', '2'],
        ['max-keys', String(maxKeys)],
        ['prefix', prefix],
      ],
      root: 'ListBucketResult',
    });
    const encoded = childText(document, 'EncodingType') === 'url';
    const next = childText(document, 'NextContinuationToken');
    return {
      objects: childElements(document, 'Contents').map((object) => ({
        key: encoded ? decodeListed(childText(object, 'Key') ?? '') : (childText(object, 'Key') ?? ''),
        size: Number(childText(object, 'Size')),
        etag: childText(object, 'ETag') ?? '',
        lastModified: childText(object, 'LastModified') ?? '',
      })),
      ...(next ? { continuationToken: next } : {}),
    };
  }

  async function deleteOne(key: string, { ifMatch }: { ifMatch?: string } = {}): Promise<boolean> {
    checkExistingKey(key);
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    const conditional = ifMatch !== undefined && capabilities.deleteIfMatch;
    try {
      await send({ method: 'DELETE', key, ...(conditional ? { headers: { 'if-match': ifMatch } } : {}) });
      return true;
    } catch (error) {
      const refused =
        isS3Error(error) && (error.status === 412 || (error.status === 404 && error.code === 'NoSuchKey'));
      if (!conditional || !refused) throw error;
      return false;
    }
  }

  async function deleteBatch(keys: readonly string[]): Promise<{ key: string; code: string }[]> {
    const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
    const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
    const { document } = await send({
      method: 'POST',
      query: [['delete', '']],
      headers: { 'content-type': 'application/xml', ...integrityOf(body, capabilities.contentMd5) },
      body,
      root: 'DeleteResult',
    });
    return childElements(document, 'Error').map((error) => ({
      key: childText(error, 'Key') ?? '',
      code: childText(error, 'Code') ?? 'InternalError',
    }));
  }

  return {
    list,
    delete: deleteOne,

    async head(key) {
      checkExistingKey(key);
      const answer = await orMissing(key, send({ method: 'HEAD', key, headers: withChecksums }));
      return answer && infoOf(key, answer.headers);
    },

    async get(key, { range, ifMatch, signal } = {}) {
      checkExistingKey(key);
      const headers = {
        ...(range ? { range: `bytes=${range[0]}-${range[1]}` } : {}),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      };
      const answer = await orMissing(key, send({ method: 'GET', key, headers, stream: true, signal }));
      return answer && { info: infoOf(key, answer.headers), body: answer.body ?? new Blob().stream() };
    },

    async read(key, { maxBytes }) {
      checkExistingKey(key);
      const answer = await orMissing(key, send({ method: 'GET', key, headers: withChecksums, maxBytes }));
      return answer && { info: infoOf(key, answer.headers), bytes: answer.bytes };
    },

    async put(options: PutOptions) {
      checkKey(options.key);
      const body = typeof options.body === 'string' ? Buffer.from(options.body) : options.body;
      const { headers } = await send({
        method: 'PUT',
        key: options.key,
        body,
        headers: {
          ...describing({ contentType: 'application/octet-stream', ...options }),
          ...integrityOf(body, capabilities.contentMd5),
          ...(options.ifNoneMatch === undefined ? {} : { 'if-none-match': options.ifNoneMatch }),
          // Without its quotes, as in AWS's own example of a conditional write: Ceph 16 matches nothing else here.
          ...(options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch.replaceAll('"', '') }),
        },
      });
      return { etag: headers.etag ?? '' };
    },

    async copy(options: CopyOptions) {
      checkExistingKey(options.from);
      checkKey(options.to);
      const { document } = await send({
        method: 'PUT',
        key: options.to,
        headers: {
          ...describing(options),
          'x-amz-copy-source': `/${bucket}/${encodeKey(options.from)}`,
          'x-amz-metadata-directive': 'REPLACE',
          ...(options.sourceEtag === undefined ? {} : { 'x-amz-copy-source-if-match': options.sourceEtag }),
          ...(options.once && capabilities.copyOnce ? { 'if-none-match': '*' } : {}),
        },
        root: 'CopyObjectResult',
        patience: copyPatience,
      });
      return { etag: quoted(childText(document, 'ETag') ?? '') };
    },

    async deleteMany(keys) {
      keys.forEach(checkExistingKey);
      const failed: { key: string; code: string }[] = [];
      const sayable = keys.filter(isXmlText);
      for (let start = 0; start < sayable.length; start += keysPerDelete)
        failed.push(...(await deleteBatch(sayable.slice(start, start + keysPerDelete))));
      for (const key of keys.filter((key) => !isXmlText(key)))
        await deleteOne(key).catch((error: unknown) => {
          if (!isS3Error(error)) throw error;
          failed.push({ key, code: error.code });
        });
      return failed;
    },
  };
}

/** The headers that describe an object, for put and copy alike. */
export function describing(options: Omit<CopyOptions, 'from' | 'to'>): Record<string, string> {
  return {
    'content-type': options.contentType,
    ...(options.cacheControl === undefined ? {} : { 'cache-control': options.cacheControl }),
    ...(options.contentDisposition === undefined ? {} : { 'content-disposition': options.contentDisposition }),
    ...Object.fromEntries(metadataHeaders(options.metadata ?? {})),
  };
}

function integrityOf(body: Uint8Array, contentMd5: boolean): Record<string, string> {
  return contentMd5
    ? { 'content-md5': hash('md5', body, 'base64') }
    : { 'x-amz-checksum-sha256': hash('sha256', body, 'base64') };
}

export const checksumAlgorithms = ['sha256', 'sha1', 'crc32', 'crc32c', 'crc64nvme'] as const;

function infoOf(key: string, headers: AnswerHeaders): ObjectInfo {
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
    const value = headers[`x-amz-checksum-${algorithm}`];
    if (value !== undefined) info.checksums[algorithm] = value;
  }
  for (const name in headers)
    if (name.startsWith('x-amz-meta-')) info.metadata[name.slice(11)] = headers[name] as string;
  const extras = {
    contentEncoding: 'content-encoding',
    contentDisposition: 'content-disposition',
    cacheControl: 'cache-control',
    versionId: 'x-amz-version-id',
  } as const;
  for (const [property, name] of Object.entries(extras)) {
    const value = headers[name];
    if (value !== undefined) info[property as keyof typeof extras] = value;
  }
  const writeId = headers['x-goog-generation'] ?? headers['x-amz-version-id'];
  // A bucket whose versioning is suspended calls every version "null".
  if (writeId !== undefined && writeId !== 'null') info.writeId = writeId;
  const encryption =
    headers['x-amz-server-side-encryption'] ??
    (headers['x-amz-server-side-encryption-customer-algorithm'] === undefined ? undefined : 'SSE-C');
  if (encryption !== undefined) info.encryption = encryption;
  return info;
}

/** Ceph leaves the quotes out of a copy's answer; headers have them. */
export function quoted(etag: string): string {
  return etag === '' || etag.endsWith('"') ? etag : `"${etag}"`;
}

export function decodeListed(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
