/** Runs the app's callbacks of a completion, and turns what they throw into errors for the client. */
import { isWaybillError, type StoredFile, WaybillError } from '../../protocol/index.ts';
import { toWaybillError } from '../../s3/internal.ts';
import { type Emit, eventFacts } from '../events.ts';
import { describe } from '../shared/describe.ts';
import type { Claims, SizedClaims } from '../state/claims.ts';
import { toJsonData } from './callback-data.ts';
import type { Lease } from './lease.ts';
import type { CallbackResult, CallbackResults, CompletionRun } from './run.ts';

/** A result is kept only until it has been recorded, so there are rarely more than a few. */
const maxResults = 10_000;

function rememberResult(results: CallbackResults, uploadId: string, result: CallbackResult): void {
  if (results.size >= maxResults) results.delete(results.keys().next().value as string);
  results.set(uploadId, result);
}

/** Runs `onComplete` until it has returned once. Null when another process has the upload. */
export async function runOnComplete(
  { services, route }: CompletionRun,
  lease: Lease,
  claims: SizedClaims,
  file: StoredFile,
): Promise<CallbackResult | null> {
  const { callbackResults, emit } = services;
  const { ownerId, uploadId, metadata } = claims;
  const { definition } = route;
  if (!definition.onComplete) return { data: null };
  const remembered = callbackResults.get(uploadId);
  if (remembered) return remembered;
  if (!(await lease.startCallback(claims))) return null;
  let result: unknown;
  try {
    // The callback may take longer than a lease.
    result = await lease.keepDuring(async () =>
      definition.onComplete?.({ file: { ...file }, ownerId, uploadId, metadata }),
    );
  } catch (error) {
    const failure = reportCallbackError(emit, claims, 'onComplete', error);
    await lease.failCallback(describe(error));
    throw failure;
  }
  // The result is converted to JSON at once, so that the first response equals every later one, which is read from the
  // record.
  const { data, problem } = toJsonData(result);
  if (problem !== undefined) emit?.('callback.data_dropped', { ...eventFacts(claims), reason: describe(problem) });
  rememberResult(callbackResults, uploadId, { data });
  return { data };
}

/** Returns the error that the client gets when a callback threw, and emits `callback.failed`. */
export function reportCallbackError(
  emit: Emit | undefined,
  claims: Claims,
  callback: 'inspect' | 'onComplete',
  error: unknown,
): WaybillError {
  const known = toWaybillError(error);
  // The storage failed while the callback read the object, so this is not an error of the callback.
  if (isWaybillError(known) && known.retryable && known !== error) return known;
  emit?.('callback.failed', { ...eventFacts(claims), callback, reason: describe(error) });
  return new WaybillError('callback_failed', 'The file has arrived, but could not be processed yet. Try again.', {
    cause: error,
  });
}

export function isCallbackFailure(error: unknown): error is WaybillError {
  return isWaybillError(error) && error.code === 'callback_failed';
}
