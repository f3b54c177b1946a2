/** {@link s3Storage}: checks the options and assembles the operations on one bucket. */
import { WaybillError } from '../protocol/index.ts';
import type { createCheck } from './check.ts';
import { resolveConfig } from './config.ts';
import { loadOnce } from './load-once.ts';
import { createMultipartOperations } from './multipart.ts';
import { presignPart, presignPut, presignRead } from './presign.ts';
import { presignForm } from './presign-form.ts';
import { createReadOperations } from './read-operations.ts';
import { createSend } from './send.ts';
import { createSigningTimes } from './signing-time.ts';
import { createStorageClock } from './storage-clock.ts';
import type { S3StorageOptions, Storage } from './types.ts';
import { createWriteOperations } from './write-operations.ts';

/**
 * Returns one bucket of an S3-compatible storage. Nothing is sent until the first operation.
 *
 * @example s3Storage({ bucket: 'user-content', region: 'eu-west-1', credentials: awsCredentials() })
 *
 * @throws {WaybillError} `config_invalid` for a missing, unknown or invalid option
 */
export function s3Storage(options: S3StorageOptions): Storage {
  const config = resolveConfig(options);
  const { bucket, region, capabilities, credentials } = config;
  const clock = createStorageClock(config.now);
  const signingTimes = createSigningTimes(region);
  // Views may be signed for an earlier time. With a cache of their own they do not replace the time of uploads.
  const viewSigningTimes = createSigningTimes(region);
  const currentSigningTime = () => signingTimes(credentials.current(), clock.now());
  const viewSigningTime = (signedAt = clock.now()) => viewSigningTimes(credentials.current(), signedAt);
  const send = createSend(config, clock);
  const address = (host = 0) => {
    const found = config.publicAddresses[host];
    if (!found) throw new WaybillError('invalid_request', `The storage has ${config.publicAddresses.length} hosts.`);
    return found;
  };
  const operations = {
    ...createReadOperations(config, send),
    ...createWriteOperations(config, send),
    ...createMultipartOperations(config, send),
  };
  const check = createLazyCheck({ config, send, signingTime: currentSigningTime, operations });
  return Object.freeze({
    bucket,
    region,
    capabilities,
    publicOrigin: config.public.origin,
    publicOrigins: Object.freeze(config.publicAddresses.map(({ origin }) => origin)),
    ready: credentials.ready,
    clockOffsetMs: clock.offsetMs,
    presignPut: (put) => presignPut(address(put.host), capabilities, currentSigningTime(), put),
    presignForm: (form) => presignForm(address(form.host), bucket, capabilities, currentSigningTime(), form),
    presignPart: (part) => presignPart(address(part.host), capabilities, currentSigningTime(), part),
    presignGet: (get) => presignRead('GET', config.public, viewSigningTime(get.signedAt), get),
    presignHead: (head) => presignRead('HEAD', config.public, viewSigningTime(head.signedAt), head),
    check,
    ...operations,
  } satisfies Storage);
}

/** The check is loaded on its first call, because it would delay a cold start. */
function createLazyCheck(tools: Parameters<typeof createCheck>[0]): Storage['check'] {
  return async (options) => (await loadCheck()).createCheck(tools)(options);
}

const loadCheck = loadOnce(() => import('./check.ts'));
