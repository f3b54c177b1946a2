/** The operations on single objects. Each is one request over `send`, except for batches of deletes. */
import { hash } from 'node:crypto';
import type { StorageConfig } from './config.ts';
import { encodeKey } from './encode.ts';
import { objectHeaders, quoteEtag, readObjectInfo } from './object-info.ts';
import { checkExistingKey, checkKey } from './object-key.ts';
import { isS3Error } from './s3-error.ts';
import type { S3Response, Send } from './send.ts';
import type { CopyOptions, ListPage, ObjectOperations, PutOptions } from './types.ts';
import { childElements, childText, escapeXml, isXmlText } from './xml.ts';

/** The limit of S3 for one DeleteObjects request. */
const keysPerDelete = 1000;
/** A copy of 5 GB takes long, and not every storage sends spaces while it works. */
export const copyTimeoutFactor = 12;

export function createOperations(config: StorageConfig, send: Send): ObjectOperations {
  const { bucket, capabilities } = config;
  const withChecksums: Record<string, string> = capabilities.checksums.length
    ? { 'x-amz-checksum-mode': 'ENABLED' }
    : {};

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

  /** False also when the listing is denied: the 403 of the object then stands. Any other error is thrown. */
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

  async function list({
    prefix,
    continuationToken,
    maxKeys = 1000,
  }: Parameters<ObjectOperations['list']>[0]): Promise<ListPage> {
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

  async function deleteOne(key: string, { ifMatch }: { ifMatch?: string } = {}): Promise<boolean> {
    checkExistingKey(key);
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
    const conditional = ifMatch !== undefined && capabilities.deleteIfMatch;
    try {
      await send({ method: 'DELETE', key, ...(conditional ? { headers: { 'if-match': ifMatch } } : {}) });
      return true;
    } catch (error) {
      const preconditionFailed =
        isS3Error(error) && (error.status === 412 || (error.status === 404 && error.code === 'NoSuchKey'));
      if (!conditional || !preconditionFailed) throw error;
      return false;
    }
  }

  async function deleteBatch(keys: readonly string[]): Promise<{ key: string; code: string }[]> {
    const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
    const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
    const { document } = await send({
      method: 'POST',
      query: [['delete', '']],
      headers: { 'content-type': 'application/xml', ...integrityHeaders(body, capabilities.contentMd5) },
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

    async put(options: PutOptions) {
      checkKey(options.key);
      const body = typeof options.body === 'string' ? Buffer.from(options.body) : options.body;
      const { headers } = await send({
        method: 'PUT',
        key: options.key,
        body,
        headers: {
          ...objectHeaders({ contentType: 'application/octet-stream', ...options }),
          ...integrityHeaders(body, capabilities.contentMd5),
          ...(options.ifNoneMatch === undefined ? {} : { 'if-none-match': options.ifNoneMatch }),
          // Without quotes, as in AWS's example of a conditional write: Ceph 16 does not match a quoted ETag here.
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
          ...objectHeaders(options),
          'x-amz-copy-source': `/${bucket}/${encodeKey(options.from)}`,
          'x-amz-metadata-directive': 'REPLACE',
          ...(options.sourceEtag === undefined ? {} : { 'x-amz-copy-source-if-match': options.sourceEtag }),
          ...(options.once && capabilities.copyOnce ? { 'if-none-match': '*' } : {}),
        },
        root: 'CopyObjectResult',
        timeoutFactor: copyTimeoutFactor,
      });
      return { etag: quoteEtag(childText(document, 'ETag') ?? '') };
    },

    async deleteMany(keys) {
      keys.forEach(checkExistingKey);
      const failed: { key: string; code: string }[] = [];
      const listable = keys.filter(isXmlText);
      for (let start = 0; start < listable.length; start += keysPerDelete)
        failed.push(...(await deleteBatch(listable.slice(start, start + keysPerDelete))));
      for (const key of keys.filter((key) => !isXmlText(key)))
        await deleteOne(key).catch((error: unknown) => {
          if (!isS3Error(error)) throw error;
          failed.push({ key, code: error.code });
        });
      return failed;
    },
  };
}

function integrityHeaders(body: Uint8Array, contentMd5: boolean): Record<string, string> {
  return contentMd5
    ? { 'content-md5': hash('md5', body, 'base64') }
    : { 'x-amz-checksum-sha256': hash('sha256', body, 'base64') };
}

/** Decodes a key from a listing with `encoding-type=url`. */
export function decodeListedKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
