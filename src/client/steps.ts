/**
 * The state machine of one upload. An upload in one request (single.ts) and an upload in parts (multipart/) take the
 * same steps. Each step, or the recovery from its failure, ends with an outcome, and this table names the step that
 * follows.
 */
import type { Transfer as TransferName, WaybillError } from '../protocol/index.ts';
import type { UploadResult, UploadStatus } from './types.ts';

export const stepTransitions = {
  /** Looks for a grant and for bytes of an earlier run. */
  load: { new: 'begin', granted: 'send', stored: 'complete', retry: 'load' },
  /** Asks the app's server for a grant. */
  begin: { granted: 'send', retry: 'begin' },
  /**
   * Sends the bytes. `unanswered`: the storage's answer could not be read, so the app's server is asked whether the
   * bytes have arrived.
   */
  send: { stored: 'complete', unanswered: 'complete', retry: 'send', renew: 'begin' },
  /** Asks the app's server to complete the upload. `missing`: the storage does not have all of the bytes. */
  complete: { completed: 'end', missing: 'send', retry: 'complete', renew: 'begin' },
} as const;

export type Step = keyof typeof stepTransitions;
/** `retry` repeats a step with the same grant; `renew` begins a new upload. */
export type Outcome = { [S in Step]: keyof (typeof stepTransitions)[S] }[Step];

/** What has changed in an upload's snapshot. */
export interface Report {
  status?: UploadStatus;
  waiting?: 'offline' | 'backoff' | null;
  fileName?: string;
  contentType?: string;
  transfer?: TransferName;
  size?: number;
  total?: number | null;
  loaded?: number;
  prepared?: number;
  warning?: WaybillError | null;
}

/** What to do after a failed step. */
export interface Decision {
  action: Outcome | 'fail';
  /** The failure, or a more precise one that was found while deciding. */
  error: WaybillError;
}

/** One call of `engine.run()`. */
export interface Run {
  signal: AbortSignal;
  /** The user aborted the upload: a grant that arrives later is given back. */
  aborted?: boolean;
  report(report: Report): void;
  /** Frees the place in the pool of files, so that the next file starts before this one has ended. */
  freePlace(): void;
  result?: UploadResult;
}

export interface Steps {
  perform(step: Step): Promise<Outcome>;
  /** Decides what follows after a step has thrown. @throws the error with which the upload fails */
  recover(step: Step, cause: unknown): Promise<Outcome>;
}

/** Follows the table from `load` to `end`. @param onTransition for tests */
export async function runSteps(
  run: Run,
  { perform, recover }: Steps,
  onTransition?: (step: Step, outcome: Outcome) => void,
): Promise<UploadResult> {
  let step: Step | 'end' = 'load';
  while (step !== 'end') {
    let outcome: Outcome;
    try {
      run.signal.throwIfAborted();
      outcome = await perform(step);
    } catch (cause) {
      run.signal.throwIfAborted();
      outcome = await recover(step, cause);
    }
    onTransition?.(step, outcome);
    step = (stepTransitions[step] as Record<Outcome, Step | 'end'>)[outcome];
  }
  return run.result as UploadResult;
}
