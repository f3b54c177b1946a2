/** {@link s3Storage}: one bucket as the server sees it. Options become a config, the config becomes verbs. */
import { WaybillError } from '../protocol/index.ts';
import type { createCheck } from './check.ts';
import { createStorageClock } from './clock.ts';
import { resolveConfig } from './config.ts';
import { presignForm } from './form.ts';
import { createSend } from './http.ts';
import { loadOnce } from './load-once.ts';
import { createMoments } from './moment.ts';
import { createMultipartOperations } from './multipart.ts';
import { createOperations } from './operations.ts';
import { presignPart, presignPut, presignRead } from './presign.ts';
import type { S3StorageOptions, Storage } from './types.ts';

/**
 * One bucket of an S3-compatible storage. It reads nothing at import and sends nothing until the first request.
 * @example s3Storage({ bucket: 'user-content', region: 'eu-west-1', credentials: awsCredentials() })
 * @throws {WaybillError} `config_invalid` for a missing, unknown or impossible option
 */
export function s3Storage(options: S3StorageOptions): Storage {
  const config = resolveConfig(options);
  const { bucket, region, capabilities, credentials } = config;
  const clock = createStorageClock(config.now);
  const moments = createMoments(region);
  const viewMoments = createMoments(region);
  const now = () => moments(credentials.current(), clock.now());
  const viewMoment = (signedAt = clock.now()) => viewMoments(credentials.current(), signedAt);
  const send = createSend(config, clock);
  const address = (host = 0) => {
    const found = config.publics[host];
    if (!found) throw new WaybillError('invalid_request', `The storage has ${config.publics.length} hosts.`);
    return found;
  };
  const operations = { ...createOperations(config, send), ...createMultipartOperations(config, send) };
  const check = createLazyCheck({ config, send, moment: now, operations });
  return Object.freeze({
    bucket,
    region,
    capabilities,
    publicOrigin: config.public.origin,
    publicOrigins: Object.freeze(config.publics.map(({ origin }) => origin)),
    ready: credentials.ready,
    clockOffsetMs: clock.offsetMs,
    presignPut: (put) => presignPut(address(put.host), capabilities, now(), put),
    presignForm: (form) => presignForm(address(form.host), bucket, capabilities, now(), form),
    presignPart: (part) => presignPart(address(part.host), capabilities, now(), part),
    presignGet: (get) => presignRead('GET', config.public, viewMoment(get.signedAt), get),
    presignHead: (head) => presignRead('HEAD', config.public, viewMoment(head.signedAt), head),
    check,
    ...operations,
  } satisfies Storage);
}

/** Loaded with the first check: a cold start grants without it. */
function createLazyCheck(tools: Parameters<typeof createCheck>[0]): Storage['check'] {
  return async (options) => (await loadCheck()).createCheck(tools)(options);
}

const loadCheck = loadOnce(() => import('./check.ts'));
