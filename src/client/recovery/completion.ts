/** The end of an upload: asking for its completion until the result is known, or giving its grant back. */
import type { MultipartCompletion, PendingUpload } from '../../protocol/index.ts';
import type { ClientContext } from '../context.ts';
import type { Run } from '../steps.ts';
import type { Tools } from '../tools.ts';
import type { UploadResult } from '../types.ts';
import { sleep } from './pressure.ts';

/** The protocol's ceiling. */
const maxGrantsInAbort = 100;
/** The longest pause between two questions about one completion. */
const longestPendingSeconds = 600;
/**
 * Files that may have left the queue without being completed. After a reload, a page sends again what it did not know
 * to be complete, so sending must not run ahead of a server that completes slowly.
 */
const mostUncompleted = 96;

/** Asks for completion until it is known how the upload ended. */
export async function waitForCompletion(
  tools: Tools,
  context: ClientContext,
  grant: string | MultipartCompletion,
  { signal, leave }: Run,
): Promise<UploadResult> {
  context.uncompleted++;
  // Completions are sent in batches and take time: the next file does not wait for them.
  if (context.uncompleted <= mostUncompleted) leave();
  try {
    for (;;) {
      const result: UploadResult | PendingUpload = await context.complete(grant);
      if ('file' in result) return result;
      // The storage needs time to move a large object.
      await sleep(tools, Math.min(longestPendingSeconds, Math.max(1, result.retryAfterSeconds || 0)) * 1000, signal);
    }
  } finally {
    context.uncompleted--;
  }
}

/** Does not reject: a grant that is not given back expires. */
export async function giveBack({ createBatcher }: Tools, context: ClientContext, grant: string): Promise<void> {
  context.giveBack ??= createBatcher(
    (grants: string[]) => context.api.call('/abort', { grants }, () => [] as undefined[]),
    maxGrantsInAbort,
  );
  await context.giveBack(grant).catch(() => {});
}
