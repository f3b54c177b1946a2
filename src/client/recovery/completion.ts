/** Ends an upload: asks for its completion until the result is known, or gives its grant back. */
import type { MultipartCompletion, PendingUpload } from '../../protocol/index.ts';
import type { ClientContext } from '../context.ts';
import type { Run } from '../steps.ts';
import type { Tools } from '../tools.ts';
import type { UploadResult } from '../types.ts';
import { sleep } from './pressure.ts';

/** The protocol allows no more in one request. */
const maxGrantsInAbort = 100;
/** The longest pause between two requests for the completion of one upload. */
const maxPendingSeconds = 600;
/**
 * How many files may have freed their place without being completed. After a reload, a page sends every file again that
 * it did not know to be complete, so sending must not run far ahead of a server that completes slowly.
 */
const maxUncompleted = 96;

/** Asks for completion until it is known how the upload ended. */
export async function waitForCompletion(
  tools: Tools,
  context: ClientContext,
  grant: string | MultipartCompletion,
  { signal, freePlace }: Run,
): Promise<UploadResult> {
  context.uncompleted++;
  // Completions are sent in batches and take time, so the next file does not wait for this one.
  if (context.uncompleted <= maxUncompleted) freePlace();
  try {
    for (;;) {
      const result: UploadResult | PendingUpload = await context.complete(grant);
      if ('file' in result) return result;
      // The storage needs time to move a large object.
      await sleep(tools, Math.min(maxPendingSeconds, Math.max(1, result.retryAfterSeconds || 0)) * 1000, signal);
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
