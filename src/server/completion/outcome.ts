import { isWaybillError } from '../../protocol/index.ts';

export type CompletionOutcome = 'completed' | 'rejected' | 'callbacksFailed' | 'deleted' | 'absent' | 'unknown' | null;

/** Nothing has arrived, or not all of it. */
const notThere: ReadonlySet<string> = new Set(['object_not_ready', 'upload_expired', 'invalid_request']);

/** Decided for good. */
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
 * What a completion comes to, for the sweep and for storage events.
 *
 * @returns null when somebody else is at it, 'absent' when there is nothing to complete, 'unknown' when its route, or what
 * was on record of it, is gone: nobody can tell what it would be
 * @throws whatever may be otherwise next time
 */
export async function classifyCompletion(completing: () => Promise<object>): Promise<CompletionOutcome> {
  try {
    return 'completing' in (await completing()) ? null : 'completed';
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    if (notThere.has(error.code)) return 'absent';
    if (error.code === 'upload_not_found') return 'unknown';
    if (error.code === 'callback_failed') return 'callbacksFailed';
    // It came again after its end was decided, and is gone now.
    if (error.code === 'upload_conflict') return 'deleted';
    if (refusals.has(error.code)) return 'rejected';
    throw error;
  }
}
