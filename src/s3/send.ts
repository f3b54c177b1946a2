/**
 * Sends one signed request to the storage and returns its response: idle timeouts, retries with jitter,
 * correction of the clock, renewed credentials. It throws an S3Error for an error response, and a WaybillError when
 * there was no response.
 */
import { hash } from 'node:crypto';
import { isWaybillError } from '../protocol/index.ts';
import { objectPath } from './address.ts';
import { createAuthorizedHeaders } from './authorization-header.ts';
import type { StorageConfig } from './config.ts';
import { encodeComponent } from './encode.ts';
import type { ExchangeResponse, ResponseHeaders } from './exchange.ts';
import { startIdleTimeout } from './idle-timeout.ts';
import { redact } from './redact.ts';
import { createS3Error, isSuccess, readResponseText } from './response.ts';
import { delay, storageRetryDelayMs } from './retry.ts';
import { isS3Error, type S3Error, storageError } from './s3-error.ts';
import { emptyPayload } from './sign.ts';
import { createSigningTimes } from './signing-time.ts';
import type { StorageClock } from './storage-clock.ts';
import { describeConnectionError } from './storage-hints.ts';
import { childElement, isComplete, parseXml, rootName, type XmlElement } from './xml.ts';

interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Without a key the request is for the bucket. */
  key?: string;
  /** Sorted by name. */
  query?: readonly (readonly [name: string, value: string])[];
  /** Lower-case names; all of them are signed. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /**
   * The expected root element. A response whose document has another root element is an error, even when its status
   * means success.
   */
  root?: string;
  /** Leaves `document` empty: the caller parses `text` itself. */
  raw?: boolean;
  /** Leaves the body of a successful response unread: the caller reads {@link S3Response.body}. */
  stream?: boolean;
  /** The response is an object: it is read whole, up to this many bytes, and not parsed. */
  maxBytes?: number;
  signal?: AbortSignal | undefined;
  /** Error codes that are thrown at once, because the caller handles them. */
  doNotRetry?: readonly string[];
  /** Multiplies `timeoutMs` for this request. @default 1 */
  timeoutFactor?: number;
}

export interface S3Response {
  headers: ResponseHeaders;
  /** The content of the root element, when one was expected. */
  document: XmlElement;
  /** The body as text, unless it was streamed or read as bytes. */
  text: string;
  /** The unread body of a request with `stream`. */
  body: ReadableStream<Uint8Array> | null;
  /** The body of a request with `maxBytes`. Null when it is longer, or when a `fetch` would decode its encoding. */
  bytes: Uint8Array | null;
}

export type Send = (request: S3Request) => Promise<S3Response>;

/** @throws S3Error | WaybillError storage_unavailable | the reason of the signal */
export function createSend(config: StorageConfig, clock: StorageClock): Send {
  let hasResponded = false;
  const sendOnce = createSendOnce(config, clock, () => {
    hasResponded = true;
  });
  return async (request) => {
    const corrected = new Set<Correction>();
    let previousOffsetMs = 0;
    for (let attemptNumber = 1; ; attemptNumber++) {
      const offsetMs = clock.offsetMs();
      try {
        return await sendOnce(request, attemptNumber);
      } catch (error) {
        request.signal?.throwIfAborted();
        const failure = toStorageError(error, hasResponded);
        const correction = chooseCorrection(request, failure, offsetMs !== clock.offsetMs());
        if (correction && !corrected.has(correction)) {
          corrected.add(correction);
          if (correction === 'clock') previousOffsetMs = offsetMs;
          if (correction === 'clock' || (await config.credentials.renew())) continue;
        }
        // The corrected clock did not help: the date was not the reason of the 403, or that response did not come from
        // the storage.
        if (corrected.has('clock') && isS3Error(failure) && failure.status === 403) clock.restore(previousOffsetMs);
        const mayRetry =
          attemptNumber <= config.retries && !(isS3Error(failure) && request.doNotRetry?.includes(failure.code));
        const delayMs = mayRetry ? storageRetryDelayMs(failure, attemptNumber, config.random) : null;
        if (delayMs === null) throw failure;
        await delay(delayMs, request.signal);
      }
    }
  };
}

/** Returns a function that signs a request and sends it once, without a retry. */
function createSendOnce(config: StorageConfig, clock: StorageClock, onResponse: () => void) {
  const signingTimes = createSigningTimes(config.region);
  const { origin, host, prefix } = config.internal;
  return async (request: S3Request, attemptNumber: number): Promise<S3Response> => {
    await config.credentials.ready();
    const { method, key, body, timeoutFactor = 1 } = request;
    const path = key === undefined ? `${prefix}/` : objectPath(config.internal, key);
    const query = (request.query ?? []).map(([name, value]) => `${name}=${encodeComponent(value)}`).join('&');
    const payload = body ? hash('sha256', body, 'hex') : emptyPayload;
    const signingTime = signingTimes(config.credentials.current(), clock.now());
    const headers = createAuthorizedHeaders(
      { method, path, query, headers: request.headers ?? {}, payload },
      host,
      signingTime,
    );
    const idleTimeout = startIdleTimeout(config.timeoutMs * timeoutFactor);
    try {
      const response = await config.exchange({
        method,
        origin,
        target: query === '' ? path : `${path}?${query}`,
        headers,
        body,
        signal: request.signal,
        idleTimeout,
      });
      onResponse();
      return await readResponse(request, response, clock, attemptNumber);
    } catch (error) {
      throw idleTimeout.isExpired()
        ? storageError(
            'storage_unavailable',
            `The storage did not answer within ${config.timeoutMs * timeoutFactor} ms.`,
          )
        : error;
    } finally {
      idleTimeout.stop();
    }
  };
}

/** @throws S3Error for an error response */
async function readResponse(
  { method, root, raw, stream, maxBytes }: S3Request,
  response: ExchangeResponse,
  clock: StorageClock,
  attemptNumber: number,
): Promise<S3Response> {
  const result: S3Response = { headers: response.headers, document: {}, text: '', body: null, bytes: null };
  const succeeded = isSuccess(response.status);
  if (succeeded) clock.observe(response.headers);
  if (succeeded && stream) return { ...result, body: response.stream() };
  if (succeeded && maxBytes !== undefined) {
    if (response.headers['content-encoding'] === undefined) return { ...result, bytes: await response.bytes(maxBytes) };
    response.drop();
    return result;
  }
  const text = await readResponseText(response);
  // A proxy may cut a response short without an error. Half a multipartId would then be taken for a whole one.
  const isExpected =
    root === undefined ? rootName(text) !== 'Error' : rootName(text) === root && isComplete(text, root);
  if (!succeeded || !isExpected) {
    const error = await createS3Error(response, text, { attempts: attemptNumber, now: clock.now() });
    if (mayBeClockError(method, error)) clock.observe(response.headers);
    throw error;
  }
  const document = root === undefined || raw ? {} : childElement(await parseXml(text), root);
  return { ...result, text, document };
}

type Correction = 'clock' | 'credentials';

const staleCredentials: ReadonlySet<string> = new Set(['ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId']);

/** The response to a HEAD has no body and so no error code. S3 answers a HEAD with a wrong date with a bare 403. */
function mayBeClockError(method: string, { code, status }: S3Error): boolean {
  return code === 'RequestTimeTooSkewed' || (method === 'HEAD' && status === 403);
}

/** Returns what to correct before the same request is sent again. Each correction is tried once. */
function chooseCorrection({ method }: S3Request, failure: unknown, clockChanged: boolean): Correction | null {
  if (!isS3Error(failure)) return null;
  if (failure.status === 403 && clockChanged) return 'clock';
  // S3 answers a HEAD with an expired token with a bare 400, without an error code.
  if (staleCredentials.has(failure.code) || (method === 'HEAD' && failure.status === 400)) return 'credentials';
  return null;
}

/** Errors of a connection contain host names and may quote URLs, so only their code and a hint are passed on. */
function toStorageError(error: unknown, hasResponded: boolean): unknown {
  if (isS3Error(error) || isWaybillError(error)) return error;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = inner instanceof Error ? redact(inner.message) : 'unknown reason';
  const problem = describeConnectionError(error, hasResponded);
  const hint = problem?.hint === undefined ? '' : ` ${problem.hint}`;
  return storageError(
    problem?.isPermanent ? 'storage_rejected' : 'storage_unavailable',
    `The storage could not be reached${problem ? `: ${problem.code}` : ''}.${hint}`,
    { cause: new Error(reason), ...(problem ? { storageCode: problem.code } : {}) },
  );
}
