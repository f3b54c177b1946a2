/**
 * Runs the callbacks that follow the end of an upload: `onReject`, `onExpire` and `onDelete`. With a ledger the end
 * recorded that the callback has to run. The process that ended the upload runs it at once, and the sweep runs it again
 * until it has returned. It cannot change the upload: what it throws is only recorded.
 */
import type { WaybillError } from '../../protocol/index.ts';
import type { Config } from '../config.ts';
import { type Emit, eventFacts } from '../events.ts';
import type { ErasedDefinition } from '../route-definition.ts';
import { describe } from '../shared/describe.ts';
import { unrefTimer } from '../shared/unref-timer.ts';
import { callbackRetryDelayMs } from '../state/callback-retry-delay.ts';
import type { Claims } from '../state/claims.ts';
import { deletedFile, grantedFile } from '../state/described-files.ts';
import type { Ledger, PendingCallback, UploadRecord } from '../state/ledger.ts';
import { restoreGrant } from '../state/restore-grant.ts';
import type { EndedUpload } from '../state/upload-states.ts';

/** `unknown`: this process has no such callback, because another version of the app runs or the route was removed. */
export type EndCallbackOutcome = 'returned' | 'failed' | 'unknown' | null;

export interface EndCallbacks {
  /** Runs the callback of one upload, if it is due, and never throws: the sweep repeats what could not be done. */
  runSoon(upload: EndedUpload): Promise<void>;
  /** Runs a due callback. Null when another process runs it. @throws what the ledger throws */
  runDue(record: UploadRecord): Promise<EndCallbackOutcome>;
  /** Without a ledger: calls `onReject` once, and never throws. */
  callOnReject(claims: Claims, refusal: WaybillError): Promise<void>;
}

/** A process has the callback for this long, and extends the time while the callback runs. */
const takenForMs = 60_000;
const keepEveryMs = 15_000;
/** After this time a process looks again for a callback that it did not have. */
const unknownDelayMs = 60 * 60_000;

export function createEndCallbacks({
  config,
  emit,
}: {
  config: Pick<Config, 'ledger' | 'routes'>;
  emit: Emit | undefined;
}): EndCallbacks {
  const { ledger, routes } = config;
  const definitionOf = (route: string) => routes.get(route)?.definition;

  function reportFailure(claims: Claims, callback: PendingCallback['name'], error: unknown): void {
    emit?.('callback.failed', { ...eventFacts(claims), callback, reason: describe(error) });
  }

  async function runTaken(
    own: Ledger,
    record: UploadRecord,
    call: () => Promise<unknown>,
  ): Promise<'returned' | 'failed'> {
    const { uploadId, fence, callback } = record;
    try {
      await keepDuring(() => own.keepEndCallback(uploadId, fence, takenForMs), call);
    } catch (error) {
      const { claims } = restoreGrant(record);
      if (record.pendingCallback) reportFailure(claims, record.pendingCallback.name, error);
      await own.recordEndCallbackFailure(uploadId, fence, describe(error), callbackRetryDelayMs(callback.attempts));
      return 'failed';
    }
    await own.recordEndCallbackReturn(uploadId, fence);
    return 'returned';
  }

  async function runDue({ uploadId, route, pendingCallback, fence }: UploadRecord): Promise<EndCallbackOutcome> {
    const definition = definitionOf(route);
    if (!ledger || !pendingCallback) return null;
    if (!definition?.[pendingCallback.name]) {
      await ledger.keepEndCallback(uploadId, fence, unknownDelayMs);
      return 'unknown';
    }
    const taken = await ledger.takeEndCallback(uploadId, takenForMs);
    return taken && runTaken(ledger, taken, async () => callEndCallback(definition, taken));
  }

  return {
    runDue,

    async runSoon({ uploadId, route }) {
      const definition = definitionOf(route);
      if (!(definition?.onReject || definition?.onExpire || definition?.onDelete)) return;
      try {
        const record = await ledger?.find(uploadId);
        if (record?.pendingCallback) await runDue(record);
      } catch {
        // The ledger did not answer. The callback is recorded, and the sweep runs it.
      }
    },

    async callOnReject(claims, refusal) {
      const { code, message } = refusal;
      const { ownerId, uploadId, metadata } = claims;
      try {
        await definitionOf(claims.route)?.onReject?.({
          file: grantedFile(claims),
          ownerId,
          uploadId,
          metadata,
          code,
          message,
        });
      } catch (error) {
        reportFailure(claims, 'onReject', error);
      }
    },
  };
}

/** Calls the pending callback of a record. */
function callEndCallback(definition: ErasedDefinition, record: UploadRecord): unknown {
  const { pendingCallback, ownerId, uploadId, metadata, error } = record;
  const common = { ownerId, uploadId, metadata };
  switch (pendingCallback?.name) {
    case 'onReject':
      if (!error) throw new Error('The ledger has a rejected upload without its error.');
      return definition.onReject?.({
        ...common,
        file: grantedFile(restoreGrant(record).claims),
        code: error.code,
        message: error.message,
      });
    case 'onExpire':
      return definition.onExpire?.({ ...common, file: grantedFile(restoreGrant(record).claims) });
    case 'onDelete': {
      const { reason, actor } = pendingCallback;
      return definition.onDelete?.({ ...common, file: deletedFile(record), reason, actor });
    }
  }
}

/** Extends the time for which this process has the callback, for as long as the callback runs. */
async function keepDuring(keep: () => Promise<boolean>, run: () => Promise<unknown>): Promise<void> {
  // A failure is ignored: another process may then run the callback as well, as "at least once" allows.
  const timer = setInterval(() => void keep().catch(() => {}), keepEveryMs);
  unrefTimer(timer);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
}
