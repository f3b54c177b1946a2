/** The operations that read objects: HEAD, GET and ListObjectsV2. */
import type { StorageConfig } from './config.ts';
import { decodeListedKey } from './encode.ts';
import { readObjectInfo } from './object-info.ts';
import { checkExistingKey } from './object-key.ts';
import { isS3Error } from './s3-error.ts';
import type { S3Response, Send } from './send.ts';
import type { ListPage, ObjectOperations } from './types.ts';
import { childElements, childText } from './xml.ts';

type ReadOperations = Pick<ObjectOperations, 'head' | 'get' | 'read' | 'list'>;

export function createReadOperations({ capabilities }: StorageConfig, send: Send): ReadOperations {
  const withChecksums: Record<string, string> = capabilities.checksums.length
    ? { 'x-amz-checksum-mode': 'ENABLED' }
    : {};
  const list: ReadOperations['list'] = (options) => listObjects(send, options);

  /** S3 answers 403 for a missing object when the credentials do not allow listing. */
  async function nullIfMissing(key: string, request: Promise<S3Response>): Promise<S3Response | null> {
    try {
      return await request;
    } catch (error) {
      if (!isS3Error(error)) throw error;
      if (error.status === 404 && error.code !== 'NoSuchBucket') return null;
      if (error.status === 403 && (await isMissing(key))) return null;
      throw error;
    }
  }

  /** Returns false also when the listing is denied, so that the caller throws the 403 of the object. */
  async function isMissing(key: string): Promise<boolean> {
    try {
      const { objects } = await list({ prefix: key, maxKeys: 1 });
      // The key itself sorts before every other key with this prefix.
      return objects[0]?.key !== key;
    } catch (error) {
      if (isS3Error(error) && error.status === 403 && error.code === 'AccessDenied') return false;
      throw error;
    }
  }

  return {
    list,

    async head(key) {
      checkExistingKey(key);
      const response = await nullIfMissing(key, send({ method: 'HEAD', key, headers: withChecksums }));
      return response && readObjectInfo(key, response.headers);
    },

    async get(key, { range, ifMatch, signal } = {}) {
      checkExistingKey(key);
      const headers = {
        ...(range ? { range: `bytes=${range[0]}-${range[1]}` } : {}),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      };
      const response = await nullIfMissing(key, send({ method: 'GET', key, headers, stream: true, signal }));
      return response && { info: readObjectInfo(key, response.headers), body: response.body ?? new Blob().stream() };
    },

    async read(key, { maxBytes }) {
      checkExistingKey(key);
      const response = await nullIfMissing(key, send({ method: 'GET', key, headers: withChecksums, maxBytes }));
      return response && { info: readObjectInfo(key, response.headers), bytes: response.bytes };
    },
  };
}

async function listObjects(
  send: Send,
  { prefix, continuationToken, maxKeys = 1000 }: Parameters<ObjectOperations['list']>[0],
): Promise<ListPage> {
  const { document } = await send({
    method: 'GET',
    query: [
      ...(continuationToken === undefined ? [] : [['continuation-token', continuationToken] as const]),
      // A key may contain characters that XML cannot represent.
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
      key: encoded ? decodeListedKey(childText(object, 'Key') ?? '') : (childText(object, 'Key') ?? ''),
      size: Number(childText(object, 'Size')),
      etag: childText(object, 'ETag') ?? '',
      lastModified: childText(object, 'LastModified') ?? '',
    })),
    ...(next ? { continuationToken: next } : {}),
  };
}
