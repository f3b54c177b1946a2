import { isWaybillError } from '../../protocol/index.ts';
import type { CompletionResult } from './result.ts';

export type CompletionOutcome = 'completed' | 'rejected' | 'callbacksFailed' | 'deleted' | 'absent' | 'unknown' | null;

/** Errors of an upload whose bytes have not all arrived. */
const notArrived: ReadonlySet<string> = new Set(['object_not_ready', 'upload_expired', 'invalid_request']);

/** Errors that refuse the upload for good. */
const refusals: ReadonlySet<string> = new Set([
  'size_mismatch',
  'checksum_mismatch',
  'content_type_mismatch',
  'content_type_not_allowed',
  'upload_rejected',
  'part_invalid',
  'file_too_large',
  'file_too_small',
  'quota_exceeded',
]);

/**
 * Runs a completion and returns its outcome, for the sweep and for storage events.
 *
 * @returns null when another process completes the upload or there is no upload, 'absent' when not all bytes have
 * arrived, 'unknown' when the route or the record of the upload does not exist any more
 * @throws errors that another attempt may not have
 */
export async function classifyCompletion(complete: () => Promise<CompletionResult | null>): Promise<CompletionOutcome> {
  try {
    const result = await complete();
    return result?.kind === 'completed' ? 'completed' : null;
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (notArrived.has(error.code)) return 'absent';
    if (error.code === 'upload_not_found') return 'unknown';
    if (error.code === 'callback_failed') return 'callbacksFailed';
    // The bytes were sent again after the upload had ended, and have been deleted.
    if (error.code === 'upload_conflict') return 'deleted';
    if (refusals.has(error.code)) return 'rejected';
    throw error;
  }
}
