/** The results of a completion. */
import { type StoredFile, WaybillError } from '../../protocol/index.ts';
import { uploadEnded, uploadExpired } from '../shared/errors.ts';
import type { Claims } from '../state/claims.ts';
import type { EndedState } from '../state/upload-states.ts';

export interface Completed {
  uploadId: string;
  file: StoredFile;
  data: unknown;
}

/** Another process completes the upload. */
export interface Completing {
  uploadId: string;
  completing: true;
  retryAfterSeconds: number;
}

export type CompletionResult =
  | { kind: 'completed'; completed: Completed }
  /** Another process holds the lease, or has the key. */
  | { kind: 'completing'; completing: Completing };

/** `retry`: the upload or its object changed during the attempt, so it has to be read again. */
export type AttemptResult = CompletionResult | { kind: 'retry' };

export const retry = { kind: 'retry' } as const;

/** Returns the result as the client and `uploads.complete()` get it. */
export function describeResult(result: CompletionResult): Completed | Completing {
  return result.kind === 'completed' ? result.completed : result.completing;
}

export function completingResult({ uploadId }: Claims, leftMs: number): CompletionResult {
  const retryAfterSeconds = Math.min(5, Math.max(1, Math.ceil(leftMs / 1000)));
  return { kind: 'completing', completing: { uploadId, completing: true, retryAfterSeconds } };
}

/** @throws {WaybillError} for every end but `completed` */
export function resultFromState({ uploadId }: Claims, ended: EndedState): CompletionResult {
  switch (ended.state) {
    case 'completed':
      return { kind: 'completed', completed: { uploadId, file: ended.file, data: ended.data } };
    case 'rejected':
      throw new WaybillError(ended.error.code, ended.error.message, { details: ended.error.details });
    case 'expired':
      throw uploadExpired('The permission has expired, and nothing was sent.');
    default:
      throw uploadEnded(ended.state);
  }
}
