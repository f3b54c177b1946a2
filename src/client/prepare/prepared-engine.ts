/**
 * The engine of an upload whose file is prepared first: it prepares the file, starts an upload of the result with the
 * app's client, and follows it.
 */
import type { WaybillError } from '../../protocol/index.ts';
import type { Engine } from '../engine.ts';
import { failure, isFailure, throwNetworkError } from '../errors.ts';
import type { Pool } from '../pool.ts';
import { blobSource, type OpenSource } from '../source.ts';
import type { Report } from '../steps.ts';
import type { Client, Source, Upload, UploadOptions, UploadResult } from '../types.ts';
import type { Prepare } from './types.ts';

export interface Preparation {
  readonly client: Client;
  readonly prepare: Prepare;
  readonly description: string | undefined;
  /** Files that are being prepared. */
  readonly preparing: Pool;
  /** Files that are prepared or sent: a limit keeps many prepared files from filling the memory. */
  readonly unfinished: Pool;
}

export interface FileToPrepare {
  readonly route: string;
  /** What the user chose, with the name and type that the app gave. Undefined only together with a refusal. */
  readonly file: File | undefined;
  /** Identifies the chosen file, also in a later page. Undefined for bytes without a time of change. */
  readonly fileId: string | undefined;
  /** The upload fails with this error. */
  readonly refusal?: WaybillError;
  /** The fingerprint of the upload that this one continues. */
  readonly resumes?: string;
  readonly options: UploadOptions & { metadata?: unknown };
  /** Files that were given in the same call. */
  readonly count: number;
}

export interface PreparedEngine extends Engine {
  /** Continues the upload of the prepared file, if it was paused. */
  resume(): void;
}

export function createPreparedEngine(preparation: Preparation, given: FileToPrepare): PreparedEngine {
  let inner: Upload | undefined;
  return {
    run: (signal, report) =>
      preparation.unfinished(given.file?.size ?? 0, signal, async () => {
        inner ??= startUpload(preparation, given, await prepareFile(preparation, given, signal, report));
        return followUpload(inner, signal, report);
      }),
    resume: () => inner?.resume(),
    abort: () => inner?.abort(),
  };
}

async function prepareFile(
  { client, prepare, preparing }: Preparation,
  { route, file, refusal, resumes, count }: FileToPrepare,
  signal: AbortSignal,
  report: (report: Report) => void,
): Promise<File> {
  if (refusal || !file) throw refusal;
  if (resumes && !(await client.resumable()).some(({ fingerprint }) => fingerprint === resumes))
    throw failure('upload_conflict', 'This upload has ended in another tab or window.');
  // Without an answer, the upload of the prepared file asks again.
  const info = await client.routeInfo(route).catch((error: WaybillError) => {
    if (!error.retryable) throw error;
  });
  if (info && count > info.limits.maxFiles) {
    const { checkFile } = await import('../checks/index.ts').catch(throwNetworkError);
    throw checkFile(info.limits, { fileName: '', contentType: '' }, null, count);
  }
  return preparing(file.size, signal, async () => {
    report({ status: 'preparing', prepared: 0 });
    const onProgress = (prepared: number) => {
      if (!signal.aborted) report({ prepared: Math.min(1, Math.max(0, prepared)) });
    };
    try {
      const result = await untilAborted(signal, prepare(file, { signal, onProgress }));
      if (!result?.slice) throw new TypeError(`prepare() returned ${result} and not a File`);
      onProgress(1);
      return result;
    } catch (cause) {
      signal.throwIfAborted();
      if (isFailure(cause)) throw cause;
      throw failure('source_unreadable', 'This file cannot be prepared.', { cause, details: { hint: `${cause}` } });
    }
  });
}

/** A function of the app may ignore the signal. Then nothing waits for its result. */
function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function startUpload({ client, description }: Preparation, given: FileToPrepare, prepared: File): Upload {
  const { file, fileId, route, resumes, options } = given;
  const { signal, fileName, contentType, ...rest } = options;
  if (prepared === file) return client.upload(route, prepared, rest);
  const source: OpenSource = {
    ...blobSource(prepared),
    // An empty text is no fingerprint: without one, the upload is not remembered.
    fingerprint: fileId && description ? preparedFingerprint(fileId, description) : '',
    ...(resumes && { resumes }),
  };
  // The user's file has not changed. When the prepared bytes have, there is no question to ask.
  return client.upload(route, source as Source, { ...rest, startOver: true });
}

export function preparedFingerprint(fileId: string, description: string): string {
  return `${fileId} prepared by ${description}`;
}

/** Resolves when `inner` has ended. When the signal aborts first, pauses it. */
async function followUpload(
  inner: Upload,
  signal: AbortSignal,
  report: (report: Report) => void,
): Promise<UploadResult> {
  const { status, error } = inner.getSnapshot();
  if (error) inner.retry();
  else if (status === 'paused') inner.resume();
  const copy = () => {
    const { status, waiting, fileName, size, contentType, loaded, total, transfer, warning, file, error } =
      inner.getSnapshot();
    if (file || error) return;
    report({
      status,
      waiting,
      fileName,
      contentType,
      loaded,
      total,
      warning,
      ...(size !== null && { size }),
      ...(transfer && { transfer }),
    });
  };
  const unsubscribe = inner.subscribe(copy);
  copy();
  try {
    return await untilAborted(signal, inner.done);
  } finally {
    unsubscribe();
    if (signal.aborted) inner.pause();
  }
}
