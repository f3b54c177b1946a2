/**
 * recovery: decides what to do after a failure. It is loaded with the first file, while there is certainly a network.
 * It imports no code of the client, so that a page's bundle stays in one piece.
 */
import { clientErrorKind } from '../../protocol/client-error-kind.ts';
import type { WaybillError } from '../../protocol/index.ts';
import type { ClientContext } from '../context.ts';
import type { RequestDetails } from '../exchange.ts';
import type { Run, Step } from '../steps.ts';
import type { Tools } from '../tools.ts';
import type { FailureDecision, SingleRequest } from '../transfer.ts';
import { describeCors, isReachable } from './cors.ts';
import { waitWhilePageIsLeft } from './leaving.ts';
import { backOff, easePool } from './pressure.ts';
import { verifySource } from './storage-error.ts';

export { giveBack, waitForCompletion } from './completion.ts';
export { preload } from './preload.ts';
export { backOff, easePool } from './pressure.ts';
export { storageError, verifySource } from './storage-error.ts';
export { watchForWakeUp } from './wake-up.ts';
export { clientErrorKind };

/**
 * After this many unreadable answers in a row from a host that can be reached, the client assumes that CORS hides them.
 */
const maxUnreadable = 3;

export interface Recovery {
  /**
   * Waits as long as the failure requires, and then returns what to do. It does not change the upload.
   *
   * @param single for an upload in one request: its bytes, and the connections it is sent over
   */
  recover(run: Run, step: Step, error: WaybillError, single?: SingleRequest): Promise<FailureDecision>;
}

/** Counts the failures of one run. */
export function createRecovery(tools: Tools, context: ClientContext): Recovery {
  const { retries } = context;
  let failures = 0;
  let offlineFailures = 0;
  let unreadable = 0;
  /** Whether a new grant was asked for since the last pause. */
  let renewed = false;

  /** Whether the answer was probably hidden from this page. @throws WaybillError `cors_blocked` */
  async function isHidden(error: WaybillError, single: SingleRequest | undefined, run: Run): Promise<boolean> {
    const details = error.details as RequestDetails | undefined;
    if (clientErrorKind(error.code) !== 'network' || details?.moved !== 0) return false;
    if (!(await isReachable(details.url))) {
      unreadable = 0;
      return false;
    }
    if (++unreadable < Math.min(maxUnreadable, retries + 1)) return true;
    if (single) await verifySource(tools, single.bytes, run.signal);
    throw tools.failure('cors_blocked', 'Uploads are not set up for this page.', {
      details: describeCors(details, context.endpoint),
    });
  }

  /** The action after the wait. @throws WaybillError when the upload fails */
  async function decide(
    run: Run,
    step: Step,
    error: WaybillError,
    single: SingleRequest | undefined,
  ): Promise<'retry' | 'renew'> {
    if (await isOffline(context, error)) {
      await tools.waitForNetwork(context, run, offlineFailures++);
      return 'retry';
    }
    offlineFailures = 0;
    const { code, retryable } = error;
    if (code === 'source_unreadable' && (await waitWhilePageIsLeft(tools, run.signal))) return 'retry';
    const isRefused = step === 'send' && code === 'storage_rejected';
    if (single && (isRefused || code === 'upload_expired') && !renewed) {
      renewed = true;
      return 'renew';
    }
    if (single && clientErrorKind(code) === 'unavailable') easePool(single.connections, context);
    // A file of another size breaks the signature before the storage compares the checksum, so the checksum is computed
    // here. WebKit does not end a request whose file changes while it is sent.
    const isStalled = step === 'send' && code === 'timeout';
    if (single && (isRefused || isStalled)) await verifySource(tools, single.bytes, run.signal);
    const hidden = await isHidden(error, single, run);
    if (!retryable || failures >= retries) throw error;
    run.report({ waiting: 'backoff' });
    await backOff(tools, context, failures++, error, run.signal);
    renewed = false;
    // Some storages send refusals without CORS headers, so the hidden answer may say that the request has expired.
    return single && hidden && step === 'send' ? 'renew' : 'retry';
  }

  return {
    async recover(run, step, error, single) {
      run.signal.throwIfAborted();
      try {
        return { action: await decide(run, step, error, single), error, grant: 'keep' };
      } catch (cause) {
        run.signal.throwIfAborted();
        const last = tools.toFailure(cause);
        return { action: 'fail', error: last, grant: grantAfter(last, single) };
      }
    },
  };
}

function grantAfter(
  { code, retryable, status }: WaybillError,
  single: SingleRequest | undefined,
): FailureDecision['grant'] {
  // The server has not found the bytes in several attempts, so they are sent again with a new grant. Of an upload in
  // parts, only the missing parts are sent again.
  if (single && code === 'object_not_ready') return 'forget';
  // The user may sign in, or be given access. Then `retry()` completes what was sent.
  if (retryable || clientErrorKind(code) === 'auth') return 'keep';
  // Without a status, no answer has ended the upload but the client itself, so the client tells the server.
  return status ? 'forget' : 'give back';
}

/** Whether the platform reports no connection, and neither an answer nor the host of the request contradicts it. */
export async function isOffline({ online }: ClientContext, { code, status, details }: WaybillError): Promise<boolean> {
  if (clientErrorKind(code) !== 'network' || status || !online()) return false;
  const tried = details as Partial<RequestDetails> | undefined;
  return !(tried?.url && (await isReachable(tried.url)));
}
