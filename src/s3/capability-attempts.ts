/**
 * One attempt per capability: it sends what the capability says is refused. A success status alone proves nothing; a
 * capability is enforced when the storage refused the wrong request.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { PresignedRequest } from '../protocol/index.ts';
import type { StorageConfig } from './config.ts';
import { startIdleTimeout } from './idle-timeout.ts';
import { presignForm } from './presign-form.ts';
import { isS3Error } from './s3-error.ts';
import type { S3Response, Send } from './send.ts';
import type { SigningTime } from './signing-time.ts';
import type { MultipartOperations, ObjectOperations, StorageCapabilities } from './types.ts';

export interface CheckContext {
  config: StorageConfig;
  send: Send;
  signingTime: () => SigningTime;
  operations: ObjectOperations & MultipartOperations;
  /** Returns a key below the prefix of this check. */
  key(name: string): string;
}

export interface CapabilityAttempt {
  capability: keyof StorageCapabilities;
  isClaimed(capabilities: StorageCapabilities): boolean;
  isEnforced(context: CheckContext): Promise<boolean>;
}

/** The name of the object that the check stores first; attempts may rely on it. */
export const firstObject = 'first';
const validBody = 'the right bytes';
const otherBody = 'the wrong bytes';
const otherEtag = '"00000000000000000000000000000000"';
const contentType = 'text/plain';

export const capabilityAttempts: readonly CapabilityAttempt[] = [
  {
    capability: 'once',
    isClaimed: ({ once }) => once,
    isEnforced: (context) => isRefused(putObject(context, firstObject, { headers: { 'if-none-match': '*' } }), 412),
  },
  {
    capability: 'checksums',
    isClaimed: ({ checksums }) => checksums.includes('sha256'),
    async isEnforced(context) {
      const put = (checksum: string) =>
        putObject(context, 'sha256', { headers: { 'x-amz-checksum-sha256': checksum } });
      if (!(await isRefused(put(digest('sha256', otherBody))))) return false;
      const checksum = digest('sha256', validBody);
      await put(checksum);
      return (await context.operations.head(context.key('sha256')))?.checksums.sha256 === checksum;
    },
  },
  {
    capability: 'contentMd5',
    isClaimed: ({ contentMd5 }) => contentMd5,
    isEnforced: (context) =>
      isRefused(putObject(context, 'md5', { headers: { 'content-md5': digest('md5', otherBody) } })),
  },
  {
    capability: 'copyPrecondition',
    isClaimed: ({ copyPrecondition }) => copyPrecondition,
    isEnforced: ({ operations, key }) =>
      isRefused(operations.copy({ from: key(firstObject), to: key('copy'), sourceEtag: otherEtag, contentType }), 412),
  },
  {
    capability: 'copyOnce',
    isClaimed: ({ copyOnce }) => copyOnce,
    async isEnforced(context) {
      const { operations, key } = context;
      await putObject(context, 'taken', { body: otherBody });
      return isRefused(operations.copy({ from: key(firstObject), to: key('taken'), once: true, contentType }), 412);
    },
  },
  {
    capability: 'postChecksums',
    isClaimed: ({ postPolicy, postChecksums }) => postPolicy && postChecksums.includes('sha256'),
    async isEnforced({ config, signingTime, key }) {
      const request = presignForm(config.internal, config.bucket, config.capabilities, signingTime(), {
        key: key('form'),
        size: validBody.length,
        contentType,
        checksum: { algorithm: 'sha256', value: digest('sha256', validBody) },
        expiresInSeconds: 60,
      });
      const status = await postForm(config, request, otherBody);
      return status >= 400 && status < 500 && (await postForm(config, request, validBody)) < 300;
    },
  },
  { capability: 'multipart', isClaimed: ({ multipart }) => multipart, isEnforced: enforcesMultipart },
  {
    capability: 'writeIds',
    isClaimed: ({ writeIds }) => writeIds,
    async isEnforced(context) {
      const ids = new Set<string | undefined>();
      for (let write = 0; write < 2; write += 1) {
        await putObject(context, 'written', {});
        ids.add((await context.operations.head(context.key('written')))?.writeId);
      }
      return ids.size === 2 && !ids.has(undefined);
    },
  },
];

/**
 * Whether the storage verifies and lists parts and, where `completeOnce` is claimed, refuses to replace an object on
 * completion.
 */
async function enforcesMultipart(context: CheckContext): Promise<boolean> {
  const { operations, send } = context;
  const { partChecksums, contentMd5, completeOnce } = context.config.capabilities;
  const algorithm = partChecksums.includes('sha256') ? 'sha256' : contentMd5 ? 'md5' : undefined;
  const header = algorithm === 'md5' ? 'content-md5' : 'x-amz-checksum-sha256';
  const key = context.key('parts');
  const size = validBody.length;
  const { multipartId } = await operations.createMultipart({ key, contentType, checksumAlgorithm: algorithm });
  try {
    const sendPart = (checksummedBody: string) =>
      send({
        method: 'PUT',
        key,
        query: [
          ['partNumber', '1'],
          ['uploadId', multipartId],
        ],
        headers: algorithm ? { [header]: digest(algorithm, checksummedBody) } : {},
        body: Buffer.from(validBody),
      });
    if (algorithm && !(await isRefused(sendPart(otherBody)))) return false;
    await sendPart(validBody);
    const parts = (await operations.listParts(key, multipartId)) ?? [];
    if (parts.length !== 1) return false;
    if (algorithm === 'sha256' && parts[0]?.checksums.sha256 !== digest('sha256', validBody)) return false;
    if (completeOnce) {
      await putObject(context, 'parts', { body: otherBody });
      return await isRefused(operations.completeMultipart({ key, multipartId, parts, size }), 412);
    }
    await operations.completeMultipart({ key, multipartId, parts, size, once: false });
    return (await operations.head(key))?.size === size;
  } finally {
    await operations.abortMultipart(key, multipartId).catch(() => {});
  }
}

export function putObject(
  { send, key }: CheckContext,
  name: string,
  { body = validBody, headers = {} }: { body?: string; headers?: Record<string, string> },
): Promise<S3Response> {
  return send({
    method: 'PUT',
    key: key(name),
    headers: { 'content-type': contentType, ...headers },
    body: Buffer.from(body),
  });
}

/**
 * Whether the storage refused the request with `status`. By default any 4xx counts except 403, which says only that the
 * credentials may not send the request.
 */
async function isRefused(request: Promise<unknown>, status?: number): Promise<boolean> {
  try {
    await request;
    return false;
  } catch (error) {
    if (!isS3Error(error)) throw error;
    if (status !== undefined) return error.status === status;
    return error.status >= 400 && error.status < 500 && error.status !== 403;
  }
}

/** Sends a presigned form and returns the status of the response. */
async function postForm(config: StorageConfig, { fields = {} }: PresignedRequest, file: string): Promise<number> {
  const boundary = `waybill-${randomBytes(12).toString('hex')}`;
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const filePart = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n${file}\r\n`;
  const idleTimeout = startIdleTimeout(config.timeoutMs);
  try {
    const response = await config.exchange({
      method: 'POST',
      origin: config.internal.origin,
      target: config.internal.prefix || '/',
      headers: { host: config.internal.host, 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: Buffer.from(`${parts.join('')}${filePart}--${boundary}--\r\n`),
      signal: undefined,
      idleTimeout,
    });
    response.drop();
    return response.status;
  } finally {
    idleTimeout.stop();
  }
}

function digest(algorithm: 'sha256' | 'md5', text: string): string {
  return createHash(algorithm).update(text).digest('base64');
}
