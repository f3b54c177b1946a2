/** The operations that change objects: PUT, copy and DELETE. */
import { hash } from 'node:crypto';
import type { StorageConfig } from './config.ts';
import { encodeKey } from './encode.ts';
import { objectHeaders, quoteEtag } from './object-info.ts';
import { checkExistingKey, checkKey } from './object-key.ts';
import { isS3Error } from './s3-error.ts';
import type { Send } from './send.ts';
import type { CopyOptions, ObjectOperations, PutOptions } from './types.ts';
import { childElements, childText, escapeXml, isXmlText } from './xml.ts';

type WriteOperations = Pick<ObjectOperations, 'put' | 'copy' | 'delete' | 'deleteMany'>;

/** The limit of S3 for one DeleteObjects request. */
const keysPerDelete = 1000;
/**
 * Multiplies the timeout of copies and completions: a copy of 5 GB takes long, and not every storage sends spaces to
 * keep the connection alive while it works.
 */
export const copyTimeoutFactor = 12;

export function createWriteOperations(config: StorageConfig, send: Send): WriteOperations {
  const { bucket, capabilities } = config;

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

  return {
    delete: deleteOne,

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
          // The ETag is sent without quotes, as in AWS's example of a conditional write, because Ceph 16 does not match
          // a quoted ETag here.
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
        failed.push(
          ...(await deleteBatch(send, capabilities.contentMd5, listable.slice(start, start + keysPerDelete))),
        );
      for (const key of keys.filter((key) => !isXmlText(key)))
        await deleteOne(key).catch((error: unknown) => {
          if (!isS3Error(error)) throw error;
          failed.push({ key, code: error.code });
        });
      return failed;
    },
  };
}

async function deleteBatch(
  send: Send,
  contentMd5: boolean,
  keys: readonly string[],
): Promise<{ key: string; code: string }[]> {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
  const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
  const { document } = await send({
    method: 'POST',
    query: [['delete', '']],
    headers: { 'content-type': 'application/xml', ...integrityHeaders(body, contentMd5) },
    body,
    root: 'DeleteResult',
  });
  return childElements(document, 'Error').map((error) => ({
    key: childText(error, 'Key') ?? '',
    code: childText(error, 'Code') ?? 'InternalError',
  }));
}

function integrityHeaders(body: Uint8Array, contentMd5: boolean): Record<string, string> {
  return contentMd5
    ? { 'content-md5': hash('md5', body, 'base64') }
    : { 'x-amz-checksum-sha256': hash('sha256', body, 'base64') };
}
