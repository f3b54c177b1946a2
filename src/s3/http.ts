/**
 * One signed request to the storage, tried until it is answered: deadlines, retries with full jitter, the storage's
 * clock, renewed credentials. What fails is an S3Error or, when there was no answer, a WaybillError.
 */
import { hash } from 'node:crypto';
import { isWaybillError } from '../protocol/index.ts';
import { pathOf } from './address.ts';
import { isSuccess, readText, refusalOf } from './answer.ts';
import { authorize } from './authorize.ts';
import type { StorageClock } from './clock.ts';
import type { StorageConfig } from './config.ts';
import { startDeadline } from './deadline.ts';
import { encodeComponent } from './encode.ts';
import type { AnswerHeaders } from './exchange.ts';
import { createMoments } from './moment.ts';
import { redact } from './redact.ts';
import { pause, retryDelayMs } from './retry.ts';
import { isS3Error, type S3Error, storageFault } from './s3-error.ts';
import { emptyPayload } from './sign.ts';
import { connectionProblem } from './storage-hints.ts';
import { childElement, isWhole, parseXml, rootOf, type XmlElement } from './xml.ts';

interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** The bucket itself without one. */
  key?: string;
  /** Sorted by name. */
  query?: readonly (readonly [name: string, value: string])[];
  /** Lower-case names; all of them are signed. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** The root a success has. Anything else in its place is a failure, whatever the status says. */
  root?: string;
  /** Leaves `document` empty: the caller reads `text` itself. */
  raw?: boolean;
  /** Hands over a success's body unread. */
  stream?: boolean;
  /** A success is an object that is read whole, of at most so many bytes, and never looked into here. */
  maxBytes?: number;
  signal?: AbortSignal | undefined;
  /** Codes that the caller answers itself: another try would be wrong. */
  final?: readonly string[];
  /** Patience for this one, in multiples of `timeoutMs`. @default 1 */
  patience?: number;
}

export interface S3Answer {
  headers: AnswerHeaders;
  /** The root's content when one was expected. */
  document: XmlElement;
  /** Of what was not streamed. */
  text: string;
  /** Of what was streamed. */
  body: ReadableStream<Uint8Array> | null;
  /** Of an object that was read; null when it has more than `maxBytes`, or an encoding that a `fetch` would take off. */
  bytes: Uint8Array | null;
}

export type Send = (request: S3Request) => Promise<S3Answer>;

/** @throws S3Error | WaybillError storage_unavailable | the signal's reason */
export function createSend(config: StorageConfig, clock: StorageClock): Send {
  let answeredBefore = false;
  const attempt = createAttempt(config, clock, () => {
    answeredBefore = true;
  });
  return async (request) => {
    const corrected = new Set<Correction>();
    let offsetBefore = 0;
    for (let attempts = 1; ; attempts++) {
      const offset = clock.offsetMs();
      try {
        return await attempt(request, attempts);
      } catch (error) {
        request.signal?.throwIfAborted();
        const failure = withoutAnswer(error, answeredBefore);
        const correction = correctionFor(request, failure, offset !== clock.offsetMs());
        if (correction && !corrected.has(correction)) {
          corrected.add(correction);
          if (correction === 'clock') offsetBefore = offset;
          if (correction === 'clock' || (await config.credentials.renew())) continue;
        }
        // The date was not what it was refused for, or the answer was not the storage's.
        if (corrected.has('clock') && isS3Error(failure) && failure.status === 403) clock.restore(offsetBefore);
        const final = isS3Error(failure) && request.final?.includes(failure.code);
        const delayMs = final || attempts > config.retries ? null : retryDelayMs(failure, attempts, config.random);
        if (delayMs === null) throw failure;
        await pause(delayMs, request.signal);
      }
    }
  };
}

function createAttempt(config: StorageConfig, clock: StorageClock, answered: () => void) {
  const moments = createMoments(config.region);
  const { origin, host, prefix } = config.internal;
  return async (request: S3Request, attempts: number): Promise<S3Answer> => {
    await config.credentials.ready();
    const { method, key, body, root, patience = 1 } = request;
    const path = key === undefined ? `${prefix}/` : pathOf(config.internal, key);
    const query = (request.query ?? []).map(([name, value]) => `${name}=${encodeComponent(value)}`).join('&');
    const payload = body ? hash('sha256', body, 'hex') : emptyPayload;
    const moment = moments(config.credentials.current(), clock.now());
    const headers = authorize({ method, path, query, headers: request.headers ?? {}, payload }, host, moment);

    const deadline = startDeadline(config.timeoutMs * patience);
    try {
      const answer = await config.exchange({
        method,
        origin,
        target: query === '' ? path : `${path}?${query}`,
        headers,
        body,
        signal: request.signal,
        deadline,
      });
      const done: S3Answer = { headers: answer.headers, document: {}, text: '', body: null, bytes: null };
      answered();
      const ok = isSuccess(answer.status);
      if (ok) clock.observe(answer.headers);
      if (ok && request.stream) done.body = answer.stream();
      else if (ok && request.maxBytes !== undefined) {
        if (answer.headers['content-encoding'] === undefined) done.bytes = await answer.bytes(request.maxBytes);
        else answer.drop();
      } else {
        done.text = await readText(answer);
        // A proxy may cut an answer short and call it whole: half a multipart id is worse than none.
        const asExpected =
          root === undefined ? rootOf(done.text) !== 'Error' : rootOf(done.text) === root && isWhole(done.text, root);
        if (!ok || !asExpected) {
          const refusal = await refusalOf(answer, done.text, { attempts, now: clock.now() });
          if (isAboutTime(method, refusal)) clock.observe(answer.headers);
          throw refusal;
        }
        if (root !== undefined && !request.raw) done.document = childElement(await parseXml(done.text), root);
      }
      return done;
    } catch (error) {
      throw deadline.expired()
        ? storageFault('storage_unavailable', `The storage did not answer within ${config.timeoutMs * patience} ms.`)
        : error;
    } finally {
      deadline.stop();
    }
  };
}

type Correction = 'clock' | 'credentials';

const staleCredentials: ReadonlySet<string> = new Set(['ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId']);

/** Refused because of its date? To a HEAD, S3 says a bare 403. */
function isAboutTime(method: string, { code, status }: S3Error): boolean {
  return code === 'RequestTimeTooSkewed' || (method === 'HEAD' && status === 403);
}

/** What to put right before the same request is sent again, once. */
function correctionFor({ method }: S3Request, failure: unknown, clockChanged: boolean): Correction | null {
  if (!isS3Error(failure)) return null;
  if (failure.status === 403 && clockChanged) return 'clock';
  // To a HEAD, S3 says a bare 400 for an expired token.
  if (staleCredentials.has(failure.code) || (method === 'HEAD' && failure.status === 400)) return 'credentials';
  return null;
}

/** The errors of a connection name hosts and may quote URLs. */
function withoutAnswer(error: unknown, answeredBefore: boolean): unknown {
  if (isS3Error(error) || isWaybillError(error)) return error;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = inner instanceof Error ? redact(inner.message) : 'unknown reason';
  const problem = connectionProblem(error, answeredBefore);
  const hint = problem?.hint === undefined ? '' : ` ${problem.hint}`;
  return storageFault(
    problem?.final ? 'storage_rejected' : 'storage_unavailable',
    `The storage could not be reached${problem ? `: ${problem.code}` : ''}.${hint}`,
    { cause: new Error(reason), ...(problem ? { storageCode: problem.code } : {}) },
  );
}
